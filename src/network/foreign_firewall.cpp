// SPDX-License-Identifier: Apache-2.0
#include "network/foreign_firewall.h"

#include <algorithm>

#include "base/error.h"
#include "linux/legacy_tables.h"
#include "linux/nft_rest.h"
#include "linux/nftables.h"

namespace hull::network {

namespace {

using linux::NftChain;
using Names = std::vector<std::string>;

std::string warning(const std::string& who, const Names& bridges, const std::string& remedy) {
  return cat(who, " drops forwarded packets: published ports and the way out of containers on ", join(bridges, ", "),
             " do not work until it lets them through: ", remedy);
}

std::string by_policy(const std::string& chain) { return cat("the firewall chain \"", chain, "\""); }
std::string by_rule(const NftChain& base, const std::string& chain) {
  return cat("a rule without a condition in the firewall chain \"", base.family, " ", base.table, " ", chain, "\"",
             chain == base.name ? "" : cat(", which \"", base.name, "\" leads to,"));
}

// firewalld lets in what has been redirected.
std::string firewalld_warning(const std::string& chain, const Names& bridges, const std::string& remedy) {
  return cat("the firewall chain \"", chain, "\" drops forwarded packets: the way out of containers on ",
             join(bridges, ", "), " does not work until it lets them through: ", remedy);
}

// The same two rules for each bridge: what comes from it, and what goes to it.
template <class Rule>
std::string for_each_direction(const Names& bridges, Rule rule) {
  Names commands;
  for (const auto& bridge : bridges)
    for (bool in : {true, false}) commands.push_back(rule(bridge, in));
  return join(commands, "; ");
}

// Another engine of this kind drops what concerns its own bridges alone.
bool is_an_engines(const NftChain& chain) { return chain.table == "hull" || chain.table.starts_with("hull_"); }

bool has_chain(const std::vector<NftChain>& chains, const NftChain& like, std::string_view name) {
  return std::ranges::any_of(chains, [&](const NftChain& one) {
    return one.family == like.family && one.table == like.table && one.name == name;
  });
}

std::string remedy_for(const NftChain& chain, const std::vector<NftChain>& chains, const Names& bridges) {
  bool is_iptables = chain.table == "filter" && chain.name == "FORWARD";
  std::string program = chain.family == "ip6" ? "ip6tables" : "iptables";
  if (is_iptables && (has_chain(chains, chain, "ufw-user-forward") || has_chain(chains, chain, "ufw6-user-forward")))
    return for_each_direction(bridges, [](const auto& bridge, bool in) {
      return cat("ufw route allow ", in ? "in on " : "out on ", bridge);
    });
  std::string place = has_chain(chains, chain, "DOCKER-USER") ? "DOCKER-USER" : "FORWARD";
  if (is_iptables)
    return for_each_direction(bridges, [&](const auto& bridge, bool in) {
      return cat(program, " -I ", place, in ? " -i " : " -o ", bridge, " -j ACCEPT");
    });
  return for_each_direction(bridges, [&](const auto& bridge, bool in) {
    return cat("nft insert rule ", chain.family, " ", chain.table, " ", chain.name, in ? " iifname " : " oifname ",
               bridge, " accept");
  });
}

// firewalld rejects at the end of its chain, whatever the policy.
bool is_firewalld(const NftChain& chain) { return chain.table == "firewalld" && chain.name == "filter_FORWARD"; }

std::string firewalld_remedy(const Names& bridges) {
  Names commands;
  for (const auto& bridge : bridges)
    commands.push_back(cat("firewall-cmd --permanent --zone=trusted --add-interface=", bridge));
  commands.emplace_back("firewall-cmd --reload");
  return join(commands, "; ");
}

using Bridges = std::vector<BridgeInView>;

// Those that packets of one family (or of both) come from, and of which `is_known` has not heard.
template <class IsKnown>
Names concerned(const Bridges& bridges, bool only_v6, IsKnown is_known) {
  Names names;
  for (const BridgeInView& bridge : bridges)
    if ((bridge.ipv6 || !only_v6) && !is_known(bridge.name)) names.push_back(bridge.name);
  return names;
}

void look_at_nftables(const Bridges& bridges, Names& warnings) {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  auto chains = linux::nft_chains(socket);
  for (const NftChain& chain : chains) {
    if (!chain.sees_forwarded || is_an_engines(chain)) continue;
    std::optional<std::string> by;
    if (!chain.drops_forwarded && !is_firewalld(chain)) {
      by = linux::nft_chain_that_drops_the_rest(socket, chain);
      if (!by) continue;
    }
    Names unknown = concerned(bridges, chain.family == "ip6", [&](const std::string& bridge) {
      return linux::nft_table_mentions(socket, chain, bridge);
    });
    if (unknown.empty()) continue;
    std::string name = cat(chain.family, " ", chain.table, " ", chain.name);
    warnings.push_back(is_firewalld(chain) ? firewalld_warning(name, unknown, firewalld_remedy(unknown))
                                           : warning(by ? by_rule(chain, *by) : by_policy(name), unknown,
                                                     remedy_for(chain, chains, unknown)));
  }
}

void look_at_legacy_tables(const Bridges& bridges, Names& warnings) {
  for (bool is_v6 : {false, true}) {
    auto rules = linux::legacy_rules_that_drop_forwarded(is_v6);
    if (!rules) continue;
    Names unknown =
        concerned(bridges, is_v6, [&](const std::string& bridge) { return rules->find(bridge) != rules->npos; });
    if (unknown.empty()) continue;
    std::string program = is_v6 ? "ip6tables-legacy" : "iptables-legacy";
    warnings.push_back(warning(by_policy(cat(program, " filter FORWARD")), unknown,
                               for_each_direction(unknown, [&](const auto& bridge, bool in) {
                                 return cat(program, " -I FORWARD", in ? " -i " : " -o ", bridge, " -j ACCEPT");
                               })));
  }
}

}  // namespace

std::vector<std::string> foreign_firewall_warnings(const Bridges& bridges) {
  Names warnings;
  if (bridges.empty()) return warnings;
  look_at_nftables(bridges, warnings);
  look_at_legacy_tables(bridges, warnings);
  return warnings;
}

std::vector<std::string> foreign_firewall_warnings(const Networks& networks, const Names& names) {
  Bridges bridges;
  for (const auto& network : networks.list())
    if (!network.bridge.empty() && !network.internal &&
        (names.empty() || std::ranges::find(names, network.name) != names.end()))
      bridges.push_back({network.bridge, network.ipv6});
  try {
    return foreign_firewall_warnings(bridges);
  } catch (const Error& e) {
    return {cat("the firewall cannot be looked at: ", e.message())};
  }
}

}  // namespace hull::network
