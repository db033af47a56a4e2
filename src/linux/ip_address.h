// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::linux {

// An IPv4 or IPv6 address in strict notation (inet_pton(3)): no leading zeros, no zone, no brackets.
bool is_ip_address(const std::string& text);
bool is_ip6_address(const std::string& text);
// "02:42:ac:11:00:02": six octets, not a group address.
bool is_mac_address(const std::string& text);

}  // namespace hull::linux
