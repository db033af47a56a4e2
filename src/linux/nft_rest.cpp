// SPDX-License-Identifier: Apache-2.0
#include "linux/nft_rest.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>

namespace hull::linux {

namespace {

constexpr int kDeepest = 16;  // the kernel's own limit of jumps (NFT_JUMP_STACK_SIZE)

struct Rule {
  bool has_condition = false;
  std::optional<int> verdict;  // NF_DROP, NF_ACCEPT, NFT_JUMP, …; none: the next rule follows
  std::string chain;           // of a jump
};

// Expressions and targets of iptables(8) that only look on.
bool is_remark(std::string_view name) {
  static constexpr std::string_view kRemarks[] = {"counter", "log", "LOG", "NFLOG", "notrack", "TRACE", "comment"};
  return std::ranges::find(kRemarks, name) != std::end(kRemarks);
}

void read_verdict(std::string_view immediate, Rule& rule) {
  for_each_attribute(immediate, [&](std::uint16_t type, std::string_view data) {
    if (type != NFTA_IMMEDIATE_DATA) return;
    for_each_attribute(data, [&](std::uint16_t kind, std::string_view verdict) {
      if (kind != NFTA_DATA_VERDICT) return;
      for_each_attribute(verdict, [&](std::uint16_t key, std::string_view value) {
        if (key == NFTA_VERDICT_CODE) rule.verdict = static_cast<int>(be32_of(value));
        if (key == NFTA_VERDICT_CHAIN) rule.chain = text_of(value);
      });
    });
  });
}

// Of a match or a target of iptables(8): both have it in the same place.
std::string extension_name(std::string_view extension) {
  static_assert(NFTA_TARGET_NAME == static_cast<int>(NFTA_MATCH_NAME));
  std::string name;
  for_each_attribute(extension, [&](std::uint16_t type, std::string_view value) {
    if (type == NFTA_TARGET_NAME) name = text_of(value);
  });
  return name;
}

// Whatever is not known counts as a condition: then nothing is said about the rule.
void read_expression(std::string_view expression, Rule& rule) {
  std::string name;
  std::string_view data;
  for_each_attribute(expression, [&](std::uint16_t type, std::string_view value) {
    if (type == NFTA_EXPR_NAME) name = text_of(value);
    if (type == NFTA_EXPR_DATA) data = value;
  });
  if (name == "target" || name == "match") name = extension_name(data);
  if (name == "immediate") {
    read_verdict(data, rule);
    rule.has_condition |= !rule.verdict;
  } else if (name == "reject" || name == "REJECT") {
    rule.verdict = NF_DROP;
  } else if (!is_remark(name)) {
    rule.has_condition = true;
  }
}

std::uint8_t family_of(const NftChain& chain) {
  if (chain.family == "ip") return NFPROTO_IPV4;
  return chain.family == "ip6" ? NFPROTO_IPV6 : NFPROTO_INET;
}

std::vector<Rule> rules_of(NetlinkSocket& socket, const NftChain& chain, const std::string& name) {
  nfgenmsg header{};
  header.nfgen_family = family_of(chain);
  header.version = NFNETLINK_V0;
  NetlinkBatch batch;
  batch.message(static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE), NLM_F_DUMP, header);
  batch.put_text(NFTA_RULE_TABLE, chain.table).put_text(NFTA_RULE_CHAIN, name);
  std::vector<Rule> rules;
  socket.dump(batch, "list the rules of a chain of the firewall", [&](const nlmsghdr& message) {
    Rule rule;
    bool here = true;  // kernels of old list everything
    for_each_attribute(attributes_of(message, sizeof(nfgenmsg)), [&](std::uint16_t type, std::string_view content) {
      if (type == NFTA_RULE_TABLE) here &= text_of(content) == chain.table;
      if (type == NFTA_RULE_CHAIN) here &= text_of(content) == name;
      if (type == NFTA_RULE_EXPRESSIONS)
        for_each_attribute(content, [&](std::uint16_t, std::string_view one) { read_expression(one, rule); });
    });
    if (here) rules.push_back(std::move(rule));
  });
  return rules;
}

struct Fate {
  bool decided = false;
  std::string dropped_by;  // a chain; empty: accepted
};

Fate fate_in(NetlinkSocket& socket, const NftChain& base, const std::string& name, int depth) {
  if (depth > kDeepest) return {};
  for (const Rule& rule : rules_of(socket, base, name)) {
    if (rule.has_condition || !rule.verdict) continue;
    switch (*rule.verdict) {
      case NF_DROP: return {true, name};
      case NF_ACCEPT: return {true, {}};
      case NFT_RETURN: return {};
      case NFT_GOTO: return fate_in(socket, base, rule.chain, depth + 1);
      case NFT_JUMP:
        if (Fate fate = fate_in(socket, base, rule.chain, depth + 1); fate.decided) return fate;
        break;
      default: break;
    }
  }
  return {};
}

}  // namespace

std::optional<std::string> nft_chain_that_drops_the_rest(NetlinkSocket& socket, const NftChain& chain) {
  Fate fate = fate_in(socket, chain, chain.name, 0);
  return fate.dropped_by.empty() ? std::nullopt : std::optional(std::move(fate.dropped_by));
}

}  // namespace hull::linux
