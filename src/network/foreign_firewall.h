// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "network/networks.h"

namespace hull::network {

// Sentences about firewalls of others that drop what is forwarded to and from these bridges: which chain does, and the
// command that lets it through. (An accept in our table does not overrule a drop in theirs.) A firewall that names the
// bridge has been told about it: nothing is said then. What drops IPv6 alone concerns bridges that have it.
struct BridgeInView {
  std::string name;
  bool ipv6 = false;
};
std::vector<std::string> foreign_firewall_warnings(const std::vector<BridgeInView>& bridges);
// The same for the bridges of an engine's networks that lead anywhere: those that are named, or all. Does not throw.
std::vector<std::string> foreign_firewall_warnings(const Networks& networks,
                                                   const std::vector<std::string>& names = {});

}  // namespace hull::network
