// SPDX-License-Identifier: Apache-2.0
#include "network/endpoint_options.h"

#include <gtest/gtest.h>

using namespace hull::network;

TEST(EndpointOptions, SysctlsAreThoseOfTheInterface) {
  StringMap options{
      {"com.docker.network.endpoint.sysctls", "net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.mtu=1400"}};
  EXPECT_TRUE(endpoint_option_problems(options).empty());
  auto settings = interface_sysctls(options, "eth0.50");
  ASSERT_EQ(settings.size(), 2u);
  EXPECT_EQ(settings[0], std::pair(std::string("net/ipv4/conf/eth0.50/log_martians"), std::string("1")));
  EXPECT_EQ(settings[1].first, "net/ipv6/conf/eth0.50/mtu");
}

TEST(EndpointOptions, NothingElseCanBeSet) {
  for (const char* wrong : {"net.ipv4.ip_forward=1", "net.ipv4.conf.all.forwarding=1", "kernel.x.y.IFNAME.z=1",
                            "net.ipv4.conf.IFNAME.x", "net.ipv4.conf.IFNAME.../x=1", "net..conf.IFNAME.x=1"})
    EXPECT_EQ(endpoint_option_problems({{"com.docker.network.endpoint.sysctls", wrong}}).size(), 1u) << wrong;
  for (const char* wrong : {"", "lo", "a/b", "much-too-long-a-name"})
    EXPECT_EQ(endpoint_option_problems({{"com.docker.network.endpoint.ifname", wrong}}).size(), 1u) << wrong;
}
