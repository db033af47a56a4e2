// SPDX-License-Identifier: Apache-2.0
#include "linux/nft_watch.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "linux/netlink_socket.h"

namespace hull::linux {

namespace {

// In all of these messages the first attribute is the name of the table.
constexpr std::array kRemovals = {NFT_MSG_DELTABLE, NFT_MSG_DELCHAIN, NFT_MSG_DELRULE, NFT_MSG_DELSET,
                                  NFT_MSG_DELSETELEM};
constexpr std::uint16_t kTableName = 1;
static_assert(NFTA_TABLE_NAME == kTableName && NFTA_CHAIN_TABLE == kTableName && NFTA_RULE_TABLE == kTableName &&
              NFTA_SET_TABLE == kTableName && NFTA_SET_ELEM_LIST_TABLE == kTableName);

bool is_removal(const nlmsghdr& message) {
  if (message.nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES) return false;
  return std::ranges::find(kRemovals, message.nlmsg_type & 255) != kRemovals.end();
}

std::string table_of(const nlmsghdr& message) {
  std::string table;
  for_each_attribute(attributes_of(message, sizeof(nfgenmsg)), [&](std::uint16_t type, std::string_view content) {
    if (type == kTableName) table = text_of(content);
  });
  return table;
}

}  // namespace

NftWatch::NftWatch()
    : fd_(check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER),
                "open a netlink socket")) {
  sockaddr_nl name{};
  name.nl_family = AF_NETLINK;
  check(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), "bind a netlink socket");
  int group = NFNLGRP_NFTABLES;
  check(::setsockopt(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group), "watch nf_tables");
}

bool NftWatch::removed_by_others(const std::string& table, std::uint32_t own_port) {
  bool removed = false;
  alignas(nlmsghdr) std::array<char, 32 << 10> buffer;
  for (;;) {
    ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) {
      removed = true;
      continue;
    }
    if (got <= 0) return removed;
    auto left = static_cast<unsigned>(got);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left))
      removed = removed || (is_removal(*message) && message->nlmsg_pid != own_port && table_of(*message) == table);
  }
}

}  // namespace hull::linux
