// SPDX-License-Identifier: Apache-2.0
#include "linux/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/text.h"

namespace hull::linux {

bool is_ip_address(const std::string& text) {
  in_addr address{};
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1 || is_ip6_address(text);
}

bool is_ip6_address(const std::string& text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_mac_address(const std::string& text) {
  auto octets = split(text, ':');
  if (octets.size() != 6) return false;
  for (std::string_view octet : octets)
    if (octet.size() != 2 || !parse_number<std::uint8_t>(octet, 16)) return false;
  return (*parse_number<std::uint8_t>(octets[0], 16) & 1) == 0;
}

}  // namespace hull::linux
