// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "fixture.h"
#include "network/address_pool.h"
#include "network/interface_counters.h"

using namespace hull;
using namespace hull::network;

TEST_F(NetworksTest, HostsFileNamesTheContainerAndExtraHosts) {
  Endpoint endpoint;
  endpoint.address = "172.17.0.2";
  auto text = networks->hosts_file("web", "example.org", {{"bridge", endpoint}},
                                   {"db:10.0.0.1", "six=[fd00::1]", "v6:fd00::2"});
  EXPECT_TRUE(text.starts_with("127.0.0.1\tlocalhost\n"));
  EXPECT_TRUE(text.ends_with("172.17.0.2\tweb.example.org web\n10.0.0.1\tdb\nfd00::1\tsix\nfd00::2\tv6\n")) << text;
  EXPECT_EQ(networks->hosts_file("web", "", {}, {}).find("web"), std::string::npos);
}

TEST_F(NetworksTest, ResolverSettingsOverrideTheHosts) {
  auto text = networks->resolv_conf("bridge", {"10.0.0.53"}, {"example.org"}, {"ndots:2"});
  EXPECT_TRUE(text.ends_with("nameserver 10.0.0.53\nsearch example.org\noptions ndots:2\n")) << text;
  EXPECT_EQ(networks->resolv_conf("bridge", {}, {"."}, {}).find("search"), std::string::npos);
  EXPECT_EQ(networks->resolv_conf("bridge", {}, {}, {}).find("nameserver 127."), std::string::npos);
  EXPECT_EQ(networks->resolv_conf("host", {}, {}, {}), read_if_exists("/etc/resolv.conf").value_or(""));
}

TEST_F(NetworksTest, OnANetworkOfTheUserTheEngineIsTheNameServer) {
  auto text = networks->resolv_conf("mine", {"10.0.0.53"}, {}, {});
  EXPECT_NE(text.find("nameserver 127.0.0.11\n"), text.npos) << text;
  EXPECT_EQ(text.find("nameserver 10.0.0.53"), text.npos) << text;
  EXPECT_NE(text.find("ndots:0"), text.npos) << text;
  EXPECT_NE(text.find("# ExtServers: [10.0.0.53]"), text.npos) << text;
  EXPECT_EQ(networks->resolv_conf("mine", {}, {}, {"ndots:3"}).find("ndots:0"), text.npos);
}

TEST(AddressPool, GivesTheLowestFreeAddress) {
  auto address = [](const char* text) { return *IpAddress::parse(text); };
  Subnet subnet = *parse_subnet("10.0.0.1/29");
  AddressPool pool(subnet, subnet, {address("10.0.0.1")});
  EXPECT_EQ(pool.take_lowest()->text(), "10.0.0.2");
  EXPECT_TRUE(pool.take(address("10.0.0.3")));
  EXPECT_FALSE(pool.take(address("10.0.0.3")));
  EXPECT_FALSE(pool.take(address("10.0.1.3")));
  EXPECT_EQ(pool.take_lowest()->text(), "10.0.0.4");
  pool.give_back(address("10.0.0.2"));
  pool.give_back(address("10.0.0.1"));
  EXPECT_EQ(pool.take_lowest()->text(), "10.0.0.2");
  EXPECT_TRUE(pool.take_lowest());
  EXPECT_TRUE(pool.take_lowest());
  EXPECT_FALSE(pool.take_lowest());
}

TEST(AddressPool, KeepsToItsRangeInAHugeSubnet) {
  Subnet subnet = *parse_subnet("fd00:1::/64");
  AddressPool pool(subnet, *parse_subnet("fd00:1::8/127"), {*IpAddress::parse("fd00:1::1")});
  EXPECT_EQ(pool.take_lowest()->text(), "fd00:1::8");
  EXPECT_EQ(pool.take_lowest()->text(), "fd00:1::9");
  EXPECT_FALSE(pool.take_lowest());
  EXPECT_TRUE(pool.take(*IpAddress::parse("fd00:1::ffff")));
  EXPECT_FALSE(pool.take(*IpAddress::parse("fd00:1::1")));
  EXPECT_FALSE(pool.take_again(*IpAddress::parse("fd00:1::fffe"))) << "somebody chose it: it is not given out";
  pool.give_back(*IpAddress::parse("fd00:1::9"));
  EXPECT_TRUE(pool.take_again(*IpAddress::parse("fd00:1::9")));
}

TEST(Subnet, ThePieceThatOverlapsNothingIsChosen) {
  auto first_free = [](const std::vector<Subnet>& taken) {
    return first_free_subnet(default_pool_sources(), false, taken).text();
  };
  EXPECT_EQ(first_free({}), "172.17.0.0/16");
  EXPECT_EQ(first_free({*parse_subnet("172.16.0.0/14")}), "172.20.0.0/16");
  EXPECT_EQ(first_free({*parse_subnet("172.16.0.0/12"), *parse_subnet("192.168.1.7/32")}), "192.168.16.0/20");
  EXPECT_THROW(first_free({*parse_subnet("0.0.0.0/0")}), Error);
  auto own = parse_pool_source("base=10.9.0.0/23,size=24");
  EXPECT_EQ(first_free_subnet({own}, false, {*parse_subnet("10.9.0.0/24")}).text(), "10.9.1.0/24");
  EXPECT_TRUE(first_free_subnet({own}, true, {}).text().starts_with("fd"));
  EXPECT_THROW(parse_pool_source("base=10.9.0.0/24,size=16"), Error);
  EXPECT_THROW(parse_pool_source("10.9.0.0/24"), Error);
}

TEST(Subnet, IsReadStrictly) {
  for (const char* wrong : {"10.0.0.0", "10.0.0.256/8", "10.0.0.1/33", "fd00::/129", "10.0.0.0/-1", "/8", ""})
    EXPECT_FALSE(parse_subnet(wrong)) << wrong;
  EXPECT_EQ(parse_subnet("fd00:0::1/64")->network().text(), "fd00::/64");
}

TEST(Counters, AreThoseOfTheInterfacesButLoopback) {
  for (const auto& interface : interface_counters(::getpid())) EXPECT_NE(interface.name, "lo");
  EXPECT_TRUE(interface_counters(-1).empty());
}
