// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "network/attachment.h"

namespace hull::network {

// What is wrong with the driver options of an endpoint, in words; none: all is well.
std::vector<std::string> endpoint_option_problems(const StringMap& options);

// "net.ipv4.conf.IFNAME.log_martians=1,…" as paths below /proc/sys and values, for an interface of that name.
std::vector<std::pair<std::string, std::string>> interface_sysctls(const StringMap& options,
                                                                   const std::string& interface);

// Whether they switch IPv6 off for the interface (disable_ipv6).
bool disables_ipv6(const StringMap& options);

}  // namespace hull::network
