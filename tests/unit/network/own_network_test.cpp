// SPDX-License-Identifier: Apache-2.0
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "linux/interfaces.h"
#include "linux/ip_address.h"

namespace {

constexpr int kLoopback = 1;

// Each run of these tests is on a machine of its own, as far as the network goes: its fixed addresses and ports are
// nobody else's, and what it leaves goes with it. A bridge that leads nowhere gives that machine an address that others
// could reach it at.
class OwnNetwork : public testing::Environment {
 public:
  void SetUp() override {
    if (::geteuid() != 0) return;
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    hull::linux::NetlinkSocket socket(NETLINK_ROUTE);
    hull::linux::NetlinkBatch links;
    hull::linux::set_link_up(links, kLoopback);
    hull::linux::add_bridge(links, "outside", {2, 0, 0, 0, 0, 1});
    socket.execute(links, "make a network");
    auto outside = hull::linux::find_link(socket, "outside");
    ASSERT_TRUE(outside);
    hull::linux::NetlinkBatch address;
    hull::linux::add_address(address, {outside->index, *hull::linux::IpAddress::parse("192.0.2.1"), 24});
    hull::linux::set_link_up(address, outside->index);
    socket.execute(address, "give it an address");
  }
};

const auto* const kOwnNetwork = testing::AddGlobalTestEnvironment(new OwnNetwork);

}  // namespace

TEST(OwnNetworkTest, ItIsNotThatOfWhoeverRunsTheTests) {
  ASSERT_NE(kOwnNetwork, nullptr);
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: network namespaces";
  auto namespace_of = [](const std::string& process) {
    return std::filesystem::read_symlink("/proc/" + process + "/ns/net").string();
  };
  EXPECT_NE(namespace_of("self"), namespace_of(std::to_string(::getppid())));
}
