// SPDX-License-Identifier: Apache-2.0
#include "linux/nftables.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "linux/network_namespace.h"

using namespace hull;
using namespace hull::linux;

TEST(NftTransaction, HappensAsAWholeOrNotAtAll) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: nftables";
  ScopedNetworkNamespace own;
  NetlinkSocket socket(NETLINK_NETFILTER);
  using Field = NftTransaction::Field;
  const std::string key("\x06\0\0\0\0\x50\0\0", 8), value("\x0a\0\0\x02\0\x50\0\0", 8);

  NftTransaction make("t");
  make.add_table();
  make.add_map("m", {Field::kProtocol, Field::kPort}, {Field::kAddress, Field::kPort});
  make.add_element("m", key, value);
  make.commit(socket);
  EXPECT_TRUE(nft_table_exists(socket, "t"));

  NftTransaction half("t");
  half.delete_element("m", key);
  half.delete_element("m", std::string("\x06\0\0\0\0\x51\0\0", 8));
  try {
    half.commit(socket);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ENOENT);
  }
  NftTransaction rest("t");
  rest.delete_element("m", key);
  rest.delete_table();
  rest.commit(socket);
  EXPECT_FALSE(nft_table_exists(socket, "t"));
}

TEST(NftTransaction, FindsForwardChainsThatDropByDefault) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: nftables";
  ScopedNetworkNamespace own;
  NetlinkSocket socket(NETLINK_NETFILTER);
  NftTransaction make("mine");
  make.add_table();
  make.add_base_chain("forward", "filter", NftTransaction::Hook::kForward, 0);
  make.commit(socket);
  auto chains = nft_chains(socket);
  ASSERT_EQ(chains.size(), 1u);
  EXPECT_EQ(chains[0].family + " " + chains[0].table + " " + chains[0].name, "ip mine forward");
  EXPECT_FALSE(chains[0].drops_forwarded);
  NftTransaction rule("mine");
  rule.add_rule("forward", [](NftRule one) { one.from_interface("br-one").verdict(Verdict::kAccept); });
  rule.commit(socket);
  EXPECT_TRUE(nft_table_mentions(socket, chains[0], "br-one"));
  EXPECT_FALSE(nft_table_mentions(socket, chains[0], "br-two"));
}
