// SPDX-License-Identifier: Apache-2.0
#include "network/address_pool.h"

namespace hull::network {

AddressPool::AddressPool(const Subnet& subnet, std::uint32_t gateway)
    : first_(subnet.network()),
      mask_(subnet.mask()),
      gateway_(gateway),
      used_(std::size_t{subnet.broadcast()} - subnet.network() + 1) {
  used_.front() = used_.back() = true;
  take(gateway);
}

std::optional<std::uint32_t> AddressPool::take_lowest() {
  while (lowest_ < used_.size() && used_[lowest_]) ++lowest_;
  if (lowest_ == used_.size()) return std::nullopt;
  used_[lowest_] = true;
  return first_ + static_cast<std::uint32_t>(lowest_);
}

bool AddressPool::take(std::uint32_t address) {
  if (!contains(address) || used_[address - first_]) return false;
  used_[address - first_] = true;
  return true;
}

void AddressPool::give_back(std::uint32_t address) {
  std::size_t index = address - first_;
  if (!contains(address) || address == gateway_ || index == 0 || index + 1 == used_.size()) return;
  used_[index] = false;
  if (index < lowest_) lowest_ = index;
}

}  // namespace hull::network
