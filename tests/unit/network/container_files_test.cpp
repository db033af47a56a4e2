// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "fixture.h"
#include "network/address_pool.h"

using namespace hull;
using namespace hull::network;

TEST_F(NetworksTest, HostsFileNamesTheContainerAndExtraHosts) {
  Endpoint endpoint;
  endpoint.address = "172.17.0.2";
  auto text = networks->hosts_file("web", "example.org", endpoint, {"db:10.0.0.1", "six=[fd00::1]", "v6:fd00::2"});
  EXPECT_TRUE(text.starts_with("127.0.0.1\tlocalhost\n"));
  EXPECT_TRUE(text.ends_with("172.17.0.2\tweb.example.org web\n10.0.0.1\tdb\nfd00::1\tsix\nfd00::2\tv6\n")) << text;
  EXPECT_EQ(networks->hosts_file("web", "", std::nullopt, {}).find("web"), std::string::npos);
}

TEST_F(NetworksTest, ResolverSettingsOverrideTheHosts) {
  auto text = networks->resolv_conf("bridge", {"10.0.0.53"}, {"example.org"}, {"ndots:2"});
  EXPECT_TRUE(text.ends_with("nameserver 10.0.0.53\nsearch example.org\noptions ndots:2\n")) << text;
  EXPECT_EQ(networks->resolv_conf("bridge", {}, {"."}, {}).find("search"), std::string::npos);
  EXPECT_EQ(networks->resolv_conf("bridge", {}, {}, {}).find("nameserver 127."), std::string::npos);
  EXPECT_EQ(networks->resolv_conf("host", {}, {}, {}), read_if_exists("/etc/resolv.conf").value_or(""));
}

TEST(AddressPool, GivesTheLowestFreeAddress) {
  AddressPool pool(*parse_subnet("10.0.0.1/29"), *parse_address("10.0.0.1"));
  EXPECT_EQ(format_address(*pool.take_lowest()), "10.0.0.2");
  EXPECT_TRUE(pool.take(*parse_address("10.0.0.3")));
  EXPECT_FALSE(pool.take(*parse_address("10.0.0.3")));
  EXPECT_FALSE(pool.take(*parse_address("10.0.1.3")));
  EXPECT_EQ(format_address(*pool.take_lowest()), "10.0.0.4");
  pool.give_back(*parse_address("10.0.0.2"));
  pool.give_back(*parse_address("10.0.0.1"));
  EXPECT_EQ(format_address(*pool.take_lowest()), "10.0.0.2");
  EXPECT_TRUE(pool.take_lowest());
  EXPECT_TRUE(pool.take_lowest());
  EXPECT_FALSE(pool.take_lowest());
}

TEST(Subnet, ThePoolThatOverlapsNothingIsChosen) {
  EXPECT_EQ(format_network(first_free_pool({})), "172.17.0.0/16");
  EXPECT_EQ(format_network(first_free_pool({*parse_subnet("172.16.0.0/14")})), "172.20.0.0/16");
  EXPECT_EQ(format_network(first_free_pool({*parse_subnet("172.16.0.0/12"), *parse_subnet("192.168.1.7/32")})),
            "192.168.16.0/20");
  EXPECT_THROW(first_free_pool({*parse_subnet("0.0.0.0/0")}), Error);
  EXPECT_FALSE(parse_subnet("10.0.0.0"));
  EXPECT_FALSE(parse_subnet("10.0.0.256/8"));
  EXPECT_FALSE(parse_subnet("10.0.0.1/33"));
}

TEST(Counters, AreThoseOfTheInterfacesButLoopback) {
  for (const auto& interface : Networks::counters(::getpid())) EXPECT_NE(interface.name, "lo");
  EXPECT_TRUE(Networks::counters(-1).empty());
}
