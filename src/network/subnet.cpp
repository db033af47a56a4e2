// SPDX-License-Identifier: Apache-2.0
#include "network/subnet.h"

#include <algorithm>

#include "base/error.h"

namespace hull::network {

std::optional<std::uint32_t> parse_address(std::string_view text) {
  auto parts = split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  std::uint32_t address = 0;
  for (auto part : parts) {
    auto octet = parse_number<std::uint8_t>(part);
    if (!octet || (part.size() > 1 && part.front() == '0')) return std::nullopt;
    address = address << 8 | *octet;
  }
  return address;
}

std::string format_address(std::uint32_t address) {
  return cat(address >> 24, ".", address >> 16 & 255, ".", address >> 8 & 255, ".", address & 255);
}

std::optional<Subnet> parse_subnet(std::string_view text) {
  auto [first, second] = split_once(text, '/');
  auto address = parse_address(first);
  auto length = second ? parse_number<int>(*second) : std::nullopt;
  if (!address || !length || *length < 0 || *length > 32) return std::nullopt;
  return Subnet{*address, *length};
}

std::string format_network(const Subnet& subnet) {
  return cat(format_address(subnet.network()), "/", subnet.prefix_length);
}

Subnet first_free_pool(const std::vector<Subnet>& taken) {
  auto is_free = [&](const Subnet& pool) {
    return std::ranges::none_of(taken, [&](const Subnet& other) { return other.overlaps(pool); });
  };
  for (std::uint32_t second = 17; second <= 31; ++second)
    if (Subnet pool{172u << 24 | second << 16, 16}; is_free(pool)) return pool;
  for (std::uint32_t third = 0; third < 256; third += 16)
    if (Subnet pool{192u << 24 | 168u << 16 | third << 8, 20}; is_free(pool)) return pool;
  fail_invalid("all predefined address pools have been fully subnetted: give the bridge an address with --bip");
}

}  // namespace hull::network
