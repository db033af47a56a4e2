// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hull::network {

// IPv4 addresses are numbers in the machine's byte order in this room.
std::optional<std::uint32_t> parse_address(std::string_view text);
std::string format_address(std::uint32_t address);

// An IPv4 network, or an address in it with the length of its prefix.
struct Subnet {
  std::uint32_t address = 0;
  int prefix_length = 0;

  std::uint32_t mask() const { return prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_length); }
  std::uint32_t network() const { return address & mask(); }
  std::uint32_t broadcast() const { return address | ~mask(); }
  bool overlaps(const Subnet& other) const {
    std::uint32_t common = mask() & other.mask();
    return (address & common) == (other.address & common);
  }
};
// "172.17.0.1/16". Empty when it is not one.
std::optional<Subnet> parse_subnet(std::string_view text);
std::string format_network(const Subnet& subnet);  // without the host part: "172.17.0.0/16"

// The first of Docker's default pools (172.17 to 172.31 by /16, 192.168 by /20) that overlaps none of `taken`.
// Throws Error{kInvalidArgument} when none is left.
Subnet first_free_pool(const std::vector<Subnet>& taken);

}  // namespace hull::network
