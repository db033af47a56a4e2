// SPDX-License-Identifier: Apache-2.0
#include "linux/netlink_socket.h"

#include <linux/rtnetlink.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "linux/interfaces.h"
#include "linux/network_namespace.h"

using namespace hull;
using namespace hull::linux;

namespace {

class NetlinkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: network namespaces";
    namespace_.emplace();
  }
  std::optional<ScopedNetworkNamespace> namespace_;  // a fresh one: nothing here touches the machine's network
};

}  // namespace

TEST_F(NetlinkTest, ABatchMakesABridgeWithAVethWhosePeerIsElsewhere) {
  UniqueFd peer_namespace;
  {
    ScopedNetworkNamespace elsewhere;
    peer_namespace = current_network_namespace();
  }
  NetlinkSocket socket(NETLINK_ROUTE);
  NetlinkBatch bridge;
  add_bridge(bridge, "br0", {2, 0x42, 1, 2, 3, 4});
  socket.execute(bridge, "make a bridge");
  auto master = find_link(socket, "br0");
  ASSERT_TRUE(master);

  NetlinkBatch veth;
  add_veth(veth, {"host0", 7, master->index, "eth0", peer_namespace.get(), 0});
  add_address(veth, {master->index, IpAddress::v4(0x0a000001), 24});
  set_link_up(veth, master->index);
  socket.execute(veth, "plug in");
  auto port = find_link(socket, "host0");
  ASSERT_TRUE(port);
  EXPECT_EQ(port->master, master->index);
  EXPECT_EQ(port->group, 7u);
  EXPECT_TRUE(port->up);
  EXPECT_FALSE(find_link(socket, "eth0"));
  auto addresses = list_addresses(socket);
  std::erase_if(addresses, [](const auto& one) { return one.address.is_v6(); });
  ASSERT_EQ(addresses.size(), 1u);
  EXPECT_EQ(addresses[0].address, IpAddress::v4(0x0a000001));
  {
    ScopedNetworkNamespace there(peer_namespace.get());
    NetlinkSocket inside(NETLINK_ROUTE);
    EXPECT_TRUE(find_link(inside, "eth0"));
  }
  NetlinkBatch end;
  delete_group(end, 7);
  socket.execute(end, "delete the group");
  EXPECT_FALSE(find_link(socket, "host0"));
}

TEST_F(NetlinkTest, EachMessageOfABatchHasItsOwnOutcome) {
  NetlinkSocket socket(NETLINK_ROUTE);
  NetlinkBatch batch;
  set_link_up(batch, 1);
  set_link_up(batch, 12345);
  set_link_up(batch, 1);
  auto outcomes = socket.try_execute(batch);
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(outcomes[0].code, 0);
  EXPECT_EQ(outcomes[1].code, ENODEV);
  EXPECT_EQ(outcomes[2].code, 0);
  NetlinkBatch wrong;
  delete_link(wrong, 12345);
  try {
    socket.execute(wrong, "delete it");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ENODEV);
    EXPECT_TRUE(e.message().starts_with("delete it: No such device"));
  }
}

TEST(NetworkNamespace, TheThreadComesBack) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: network namespaces";
  auto identity = [] {
    char target[64] = "";
    return ::readlink("/proc/thread-self/ns/net", target, sizeof target - 1) > 0 ? std::string(target) : "";
  };
  std::string home = identity();
  {
    ScopedNetworkNamespace fresh;
    EXPECT_NE(identity(), home);
  }
  EXPECT_EQ(identity(), home);
}
