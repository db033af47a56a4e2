// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linux/ip_address.h"

namespace hull::network {

using linux::IpAddress;

// A network, or an address in it with the length of its prefix.
struct Subnet {
  IpAddress address;
  int prefix_length = 0;

  bool is_v6() const { return address.is_v6(); }
  IpAddress first() const { return address.masked(prefix_length); }
  IpAddress last() const { return address.filled(prefix_length); }
  Subnet network() const { return {first(), prefix_length}; }
  bool contains(const IpAddress& other) const {
    return other.is_v6() == is_v6() && other.masked(prefix_length) == first();
  }
  bool contains(const Subnet& other) const { return other.prefix_length >= prefix_length && contains(other.address); }
  bool overlaps(const Subnet& other) const { return contains(other) || other.contains(*this); }
  std::string text() const;  // "172.17.0.1/16", as it is
  auto operator<=>(const Subnet&) const = default;
};
// "172.17.0.1/16", "fd00::1/64". Empty when it is not one.
std::optional<Subnet> parse_subnet(std::string_view text);

// Where networks get their subnets from when nobody names one: `base` is cut into pieces of prefix length `size`.
struct PoolSource {
  Subnet base;
  int size = 0;
};
// Docker's: 172.17 to 172.31 by /16, then 192.168 by /20.
std::vector<PoolSource> default_pool_sources();
// "base=10.10.0.0/16,size=24", as hulld --default-address-pool has it. Error{kInvalidArgument}.
PoolSource parse_pool_source(std::string_view text);

// A /64 of fd00::/8 (RFC 4193) that is always the same for one name, and hardly that of another.
Subnet private_subnet_of(std::string_view name);

// The first piece of `sources` (of one family) that overlaps none of `taken`; for IPv6, when no source is of that
// family, a random /64 of fd00::/8 (RFC 4193). `length`: a prefix of that length instead of the source's; 0: the
// source's. Error{kInvalidArgument} in Docker's words when none is left.
Subnet first_free_subnet(const std::vector<PoolSource>& sources, bool is_v6, const std::vector<Subnet>& taken,
                         int length = 0);

}  // namespace hull::network
