// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "network/subnet.h"

namespace hull::network {

// Which addresses of a subnet are in use. Not thread-safe.
class AddressPool {
 public:
  // The network's own address, its broadcast address and `gateway` are never given out.
  AddressPool(const Subnet& subnet, std::uint32_t gateway);

  std::optional<std::uint32_t> take_lowest();  // empty: exhausted
  bool take(std::uint32_t address);            // false: in use, or not of this subnet
  void give_back(std::uint32_t address);       // idempotent

 private:
  bool contains(std::uint32_t address) const { return (address & mask_) == first_; }

  std::uint32_t first_, mask_, gateway_;
  std::vector<bool> used_;
  std::size_t lowest_ = 0;  // everything below is in use
};

}  // namespace hull::network
