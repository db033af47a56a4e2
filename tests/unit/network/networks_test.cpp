// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>

#include "base/clock.h"
#include "fixture.h"
#include "linux/port_reservation.h"

using namespace hull;
using namespace hull::network;
using traffic::ask;
using traffic::Server;

namespace {

PortBinding port(std::uint16_t container, std::uint16_t host, std::string ip = "") {
  return {"tcp", container, std::move(ip), host, 0};
}

// An address of this machine that is not loopback and not the test's bridge.
std::string outer_address(const std::string& bridge) {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  auto own = linux::find_link(socket, bridge);
  for (const auto& address : linux::list_addresses(socket))
    if (!address.address.is_v6() && !address.address.is_loopback() && address.link != own->index)
      return address.address.text();
  return "";
}

}  // namespace

TEST_F(NetworksTest, ContainersReachEachOtherAndTheHostReachesThem) {
  auto one = attach("one"), two = attach("two");
  EXPECT_EQ(one.endpoint.address, "10.213.77.2");
  EXPECT_EQ(two.endpoint.address, "10.213.77.3");
  EXPECT_EQ(one.endpoint.mac_address, "02:42:0a:d5:4d:02");
  Server server(one.network_namespace.get(), 80);
  EXPECT_EQ(ask(two.network_namespace.get(), one.endpoint.address, 80), two.endpoint.address);
  EXPECT_EQ(ask(-1, one.endpoint.address, 80), one.endpoint.gateway);
  Server on_host(-1, 18273);
  EXPECT_EQ(ask(two.network_namespace.get(), two.endpoint.gateway, 18273), two.endpoint.address);
}

TEST_F(NetworksTest, APublishedPortIsReachableFromEverywhere) {
  auto one = attach("one", {port(80, 18080)}), two = attach("two");
  Server server(one.network_namespace.get(), 80);
  EXPECT_EQ(ask(-1, "127.0.0.1", 18080), one.endpoint.gateway) << ruleset();
  EXPECT_NE(ask(-1, outer_address(options.bridge), 18080), "") << ruleset();
  EXPECT_NE(ask(-1, one.endpoint.gateway, 18080), "");
  EXPECT_EQ(ask(one.network_namespace.get(), one.endpoint.gateway, 18080), one.endpoint.gateway) << "hairpin";
  EXPECT_NE(ask(two.network_namespace.get(), one.endpoint.gateway, 18080), "");
  ASSERT_FALSE(one.endpoint.ports.empty());
  EXPECT_EQ(one.endpoint.ports[0].host_ip, "0.0.0.0");
  networks->detach("one");
  EXPECT_EQ(ask(-1, "127.0.0.1", 18080), "");
}

TEST_F(NetworksTest, NeighboursReachOnlyWhatIsPublishedForThem) {
  auto one = attach("one", {port(80, 18081, "127.0.0.1"), port(81, 18082)});
  Server hidden(one.network_namespace.get(), 80), open(one.network_namespace.get(), 81);
  EXPECT_NE(ask(-1, "127.0.0.1", 18081), "");
  // Another machine of the network: a namespace behind a bridge of another engine.
  Options other = options_for("ht" + random_hex(4), "10.213.78.1/24", "hull-test-" + random_hex(4));
  std::swap(other, options);
  MemoryDatabase rows;
  auto elsewhere = std::make_unique<Networks>(rows, *reactor, options);
  auto neighbour = elsewhere->attach(request_for("neighbour"));
  int inside = neighbour.network_namespace.get();
  EXPECT_NE(ask(inside, "10.213.78.1", 18082), "");
  EXPECT_EQ(ask(inside, "10.213.78.1", 18081), "");
  EXPECT_EQ(ask(inside, "10.213.77.2", 80), "");
  EXPECT_EQ(ask(inside, "10.213.77.2", 81), "");
  elsewhere->detach("neighbour");
  elsewhere.reset();  // it would put back what is taken out of its table
  networks->detach("one");
  // The second engine's things, then (TearDown) the first one's.
  linux::NetlinkSocket route(NETLINK_ROUTE), filter(NETLINK_NETFILTER);
  linux::NetlinkBatch batch;
  linux::delete_link(batch, linux::find_link(route, options.bridge)->index);
  route.execute(batch, "delete the second bridge");
  linux::NftTransaction change(options.firewall_table);
  change.delete_table();
  change.commit(filter);
  std::swap(other, options);
}

TEST_F(NetworksTest, ContainersDoNotReachTheLoopbackOfTheHost) {
  auto one = attach("one");
  linux::ScopedNetworkNamespace inside(one.network_namespace.get());
  linux::write_sysctl("net/ipv4/conf/eth0/route_localnet", "1");
  EXPECT_EQ(run_program({"ip", "route", "add", "127.0.0.2/32", "via", one.endpoint.gateway, "dev", "eth0"}).exit_code,
            0);
  run_program({"ip", "rule", "add", "to", "127.0.0.2", "lookup", "main", "pref", "0"});
  run_program({"ip", "route", "del", "local", "127.0.0.0/8", "table", "local"});
  Server server(-1, 18274);
  EXPECT_EQ(ask(one.network_namespace.get(), "127.0.0.2", 18274), "");
}

TEST_F(NetworksTest, PortsInUseAreRefusedInDockersWords) {
  auto message_of = [&](const std::string& id, PortBinding wanted) -> std::string {
    try {
      attach(id, {wanted});
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), Kind::kInternal);
      return e.message();
    }
    return "";
  };
  auto one = attach("one", {port(80, 18083)});
  EXPECT_THAT(message_of("two", port(80, 18083)),
              testing::AllOf(
                  testing::StartsWith("failed to set up container networking: driver failed programming external "
                                      "connectivity on endpoint name-of-two ("),
                  testing::EndsWith(
                      "): Bind for 0.0.0.0:18083 failed: port is already allocated (by the container name-of-one)")));
  EXPECT_THAT(message_of("two", port(80, 18083, "127.0.0.1")), testing::HasSubstr("port is already allocated"));
  Server foreign(-1, 18084);
  EXPECT_THAT(
      message_of("two", port(80, 18084)),
      testing::HasSubstr("failed to bind host port for 0.0.0.0:18084:10.213.77.3:80/tcp: address already in use"));
  EXPECT_THAT(message_of("two", port(80, 18085, "203.0.113.9")), testing::HasSubstr("annot assign requested address"));
  EXPECT_THROW(Server(-1, 18083), Error) << "nobody else gets a published port";
  EXPECT_EQ(database.endpoints().size(), 1u);
  EXPECT_EQ(attach("two").endpoint.address, "10.213.77.3");
}

TEST_F(NetworksTest, ConnectionsOfTheOtherFamilyAreForARelay) {
  if (!linux::has_ipv6()) GTEST_SKIP() << "this kernel has no IPv6";
  auto one = attach("one", {port(80, 18086), {"udp", 53, "", 18086, 0}});
  ASSERT_EQ(one.endpoint.ports.size(), 3u);
  EXPECT_EQ(one.endpoint.ports[1].host_ip, "::");
  EXPECT_TRUE(one.endpoint.ports[1].relayed);
  auto relays = networks->relays({{"bridge", one.endpoint}});
  ASSERT_EQ(relays.size(), 1u);
  EXPECT_EQ(relays[0].host, "[::]:18086");
  EXPECT_EQ(relays[0].target, one.endpoint.address + ":80");
  EXPECT_TRUE(relays[0].listener.valid());
}

TEST_F(NetworksTest, PortsAreChosenFromARangeOrTheEphemeralOnes) {
  auto one = attach(
      "one",
      {{"tcp", 80, "0.0.0.0", 18090, 18092}, {"tcp", 81, "0.0.0.0", 18090, 18092}, {"tcp", 82, "0.0.0.0", 0, 0}});
  EXPECT_EQ(one.endpoint.ports[0].host_port, 18090);
  EXPECT_EQ(one.endpoint.ports[1].host_port, 18091);
  EXPECT_GE(one.endpoint.ports[2].host_port, 32768);
  auto two = attach("two", {{"tcp", 82, "0.0.0.0", 0, 0}, {"udp", 82, "", 18090, 0}});
  EXPECT_NE(two.endpoint.ports[0].host_port, one.endpoint.ports[2].host_port);
}

TEST_F(NetworksTest, NothingIsLeftOfManyContainers) {
  networks->prepare();
  ASSERT_TRUE(eventually([&] { return veths().size() == 3; }));
  auto before = ruleset();
  std::int64_t total = 0, with_port = 0;
  for (int i = 0; i < 200; ++i) {
    auto begin = monotonic_nanoseconds();
    auto attachment = i % 2 ? attach("c", {port(80, 18100)}) : attach("c");
    (i % 2 ? with_port : total) += monotonic_nanoseconds() - begin;
    EXPECT_EQ(attachment.endpoint.address, "10.213.77.2");
    networks->detach("c");
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  RecordProperty("attach_us", static_cast<int>(total / 100000));
  if (std::getenv("HULL_TEST_TIMES"))
    std::cerr << "attach " << total / 100000 << " us, with a port " << with_port / 100000 << " us\n";
  EXPECT_TRUE(eventually([&] { return veths().size() == 3; })) << veths().size();
  EXPECT_EQ(ruleset(), before);
  EXPECT_TRUE(database.endpoints().empty());
  networks.reset();
  EXPECT_TRUE(eventually([&] { return veths().empty(); })) << "the pool is gone with the engine";
}

TEST_F(NetworksTest, InterfacesAreDeletedEvenWhenSomebodyKeepsTheNamespace) {
  auto one = attach("one");
  networks->detach("one");
  networks->detach("one");
  EXPECT_TRUE(eventually([&] { return std::ranges::count(veths(), one.endpoint.host_interface) == 0; }));
}

TEST_F(NetworksTest, ALaterEngineKeepsLiveContainersAndTidiesUpAfterTheOthers) {
  auto live = attach("live", {port(80, 18110)}), dead = attach("dead", {port(80, 18111)});
  Server server(live.network_namespace.get(), 80);
  run_program({"nft", "delete", "table", "ip", options.firewall_table});
  restart();
  EXPECT_NE(ask(-1, live.endpoint.address, 80), "");
  auto kept = networks->recover({"live"});
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept.at("live").at("bridge").ports.at(0).host_port, 18110);
  EXPECT_NE(ask(-1, "127.0.0.1", 18110), "") << ruleset();
  EXPECT_EQ(ask(-1, "127.0.0.1", 18111), "");
  EXPECT_TRUE(eventually([&] { return std::ranges::count(veths(), dead.endpoint.host_interface) == 0; }));
  EXPECT_EQ(std::ranges::count(veths(), live.endpoint.host_interface), 1);
  EXPECT_EQ(attach("next").endpoint.address, "10.213.77.3");
  EXPECT_THROW(attach("other", {port(80, 18110)}), Error);
  networks->detach("live");
  networks->detach("next");
  EXPECT_TRUE(database.endpoints().empty());
}

TEST_F(NetworksTest, APublishSurvivesAFlushedRuleset) {
  auto one = attach("one", {port(80, 18120)});
  run_program({"nft", "delete", "table", "ip", options.firewall_table});
  auto two = attach("two", {port(80, 18121)});
  Server first(one.network_namespace.get(), 80), second(two.network_namespace.get(), 80);
  EXPECT_NE(ask(-1, "127.0.0.1", 18120), "");
  EXPECT_NE(ask(-1, "127.0.0.1", 18121), "");
}

TEST_F(NetworksTest, AddressesRunOutWithASentence) {
  networks.reset();
  options.bip = "10.213.77.1/30";
  start();
  auto one = attach("one");
  try {
    attach("two");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kUnavailable);
    EXPECT_THAT(e.message(), testing::HasSubstr("no available IPv4 addresses"));
  }
  networks->detach("one");
  EXPECT_EQ(attach("two").endpoint.address, "10.213.77.2");
}

TEST_F(NetworksTest, AReusedAddressIsFoundAtItsNewPlace) {
  for (int i = 0; i < 5; ++i) {
    auto one = attach("one");
    Server server(one.network_namespace.get(), 80);
    EXPECT_NE(ask(-1, one.endpoint.address, 80), "") << i;
    networks->detach("one");
  }
}

TEST_F(NetworksTest, NetworksAreFoundByNameIdAndPrefix) {
  auto all = networks->list();
  ASSERT_EQ(all.size(), 3u);
  for (const auto& network : all) {
    EXPECT_EQ(network.id.size(), 64u);
    EXPECT_EQ(networks->find(network.name)->id, network.id);
    EXPECT_EQ(networks->find(network.id.substr(0, 12))->name, network.name);
  }
  restart();
  EXPECT_EQ(networks->find("bridge")->id, all[0].id);
  EXPECT_FALSE(networks->find("nothing"));
  try {
    networks->attach(request_for("x", "nothing"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kNotFound);
    EXPECT_EQ(e.message(), "network nothing not found");
  }
}

TEST_F(NetworksTest, AnIsolatedNamespaceHasLoopbackAndContainersSettings) {
  UniqueFd isolated = networks->isolated_namespace();
  Server server(isolated.get(), 80);
  EXPECT_EQ(ask(isolated.get(), "127.0.0.1", 80), "127.0.0.1");
  linux::ScopedNetworkNamespace inside(isolated.get());
  EXPECT_EQ(read_file("/proc/sys/net/ipv4/ip_unprivileged_port_start"), "0\n");
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  EXPECT_FALSE(linux::find_link(socket, "eth0"));
}

TEST_F(NetworksTest, AFlushedFirewallComesBackByItself) {
  auto one = attach("one", {port(80, 18122)});
  Server server(one.network_namespace.get(), 80);
  auto before = ruleset();
  run_program({"nft", "delete", "table", "ip", options.firewall_table});
  EXPECT_TRUE(eventually([&] { return ruleset() == before; })) << ruleset();
  EXPECT_NE(ask(-1, "127.0.0.1", 18122), "");
  run_program({"nft", "flush", "table", "ip", options.firewall_table});
  EXPECT_TRUE(eventually([&] { return ruleset() == before; })) << "rules alone";
}

TEST_F(NetworksTest, NetworksOfTheUserAreSeparateAndSurviveARestart) {
  networks.reset();
  options.address_pools = {"base=10.213.80.0/22,size=24"};
  start();
  Network wish;
  wish.name = "mine";
  auto mine = networks->create(wish);
  EXPECT_EQ(mine.ipam.at(0).subnet, "10.213.80.0/24");
  EXPECT_THROW(networks->create(wish), Error);
  wish.name = "other";
  auto other = networks->create(wish);
  auto one = networks->attach(request_for("one", "mine")), two = networks->attach(request_for("two", mine.id));
  auto three = networks->attach(request_for("three", "other"));
  Server server(one.network_namespace.get(), 80);
  const std::string address = one.endpoints.at("mine").address;
  EXPECT_EQ(ask(two.network_namespace.get(), address, 80), two.endpoints.at("mine").address);
  EXPECT_EQ(ask(three.network_namespace.get(), address, 80), "");
  EXPECT_THROW(networks->remove("mine"), Error) << "it has members";

  EndpointRequest more;
  more.network = "mine";
  auto endpoints = networks->connect("three", more, {}, three.network_namespace.get());
  EXPECT_EQ(endpoints.at("mine").interface_name, "eth1");
  EXPECT_EQ(ask(three.network_namespace.get(), address, 80), endpoints.at("mine").address);

  restart();
  auto kept = networks->recover({"one", "three"});
  EXPECT_EQ(kept.at("three").size(), 2u);
  EXPECT_EQ(ask(three.network_namespace.get(), address, 80), endpoints.at("mine").address);
  networks->disconnect("three", "mine", {}, three.network_namespace.get());
  EXPECT_EQ(ask(three.network_namespace.get(), address, 80), "");
  networks->detach("one");
  networks->detach("three");
  networks->remove("mine");
  networks->remove(other.id.substr(0, 12));
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  EXPECT_FALSE(linux::find_link(socket, mine.bridge));
  EXPECT_TRUE(database.networks().empty() && database.endpoints().empty());
}

TEST_F(NetworksTest, AllThatIsWrongWithAddressesIsSaidAtOnce) {
  Network wish;
  wish.name = "mine";
  wish.ipam = {{"10.0.0.1/24", "10.0.0.0/16", "10.0.9.1", {{"router", "fd00::1"}}}, {"nonsense", "", "", {}}};
  try {
    networks->create(wish);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
    EXPECT_EQ(e.message(),
              "invalid network config:\n"
              "invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24\n"
              "invalid ip-range 10.0.0.0/16: CIDR block is bigger than its parent subnet 10.0.0.1/24\n"
              "invalid gateway 10.0.9.1: parent subnet 10.0.0.1/24 doesn't contain this address\n"
              "invalid auxiliary address router: parent subnet is an IPv4 block\n"
              "invalid subnet nonsense: invalid CIDR block notation");
  }
}
