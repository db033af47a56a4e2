// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "network/subnet.h"

namespace hull::network {

// How many addresses of a subnet are in use or never given out, and how many can still be given out; both end at
// 2^64 - 1.
struct AddressUse {
  std::uint64_t in_use = 0, available = 0;
};

// Which addresses of a subnet are in use. Not thread-safe.
class AddressPool {
 public:
  // Addresses are given out of `range`, a part of `subnet` or all of it. The network's own address, the broadcast
  // address of IPv4, and what is `reserved` (the gateway) are never given out.
  AddressPool(const Subnet& subnet, const Subnet& range, const std::set<IpAddress>& reserved);

  std::optional<IpAddress> take_lowest();     // empty: exhausted
  bool take(const IpAddress& address);        // false: in use, or not of this subnet
  bool take_again(const IpAddress& address);  // the same for one that take_lowest() might give
  void give_back(const IpAddress& address);   // idempotent; reserved ones stay
  AddressUse use() const;
  const Subnet& subnet() const { return subnet_; }

 private:
  Subnet subnet_, range_;
  std::set<IpAddress> reserved_, used_;
  IpAddress lowest_;  // everything of the range below is in use
};

}  // namespace hull::network
