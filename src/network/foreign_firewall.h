// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "network/networks.h"

namespace hull::network {

// Sentences about firewalls of others that drop what is forwarded to and from these bridges: which chain does, and the
// command that lets it through. (An accept in our table does not overrule a drop in theirs.) A firewall that names the
// bridge has been told about it: nothing is said then.
std::vector<std::string> foreign_firewall_warnings(const std::vector<std::string>& bridges);
// The same for all bridges of an engine that lead anywhere. Does not throw.
std::vector<std::string> foreign_firewall_warnings(const Networks& networks);

}  // namespace hull::network
