// SPDX-License-Identifier: Apache-2.0
#include "network/address_pool.h"

#include <algorithm>
#include <iterator>

namespace hull::network {

AddressPool::AddressPool(const Subnet& subnet, const Subnet& range, const std::set<IpAddress>& reserved)
    : subnet_(subnet.network()), range_(range.network()), reserved_(reserved), lowest_(range_.first()) {
  // A network of one or two addresses has none to spare (RFC 3021).
  if (subnet.prefix_length + 1 < subnet.address.width()) {
    reserved_.insert(subnet_.first());
    if (!subnet.is_v6()) reserved_.insert(subnet_.last());
  }
  used_ = reserved_;
}

std::optional<IpAddress> AddressPool::take_lowest() {
  while (used_.contains(lowest_)) {
    if (lowest_ == range_.last()) return std::nullopt;
    lowest_ = lowest_.plus(1);
  }
  used_.insert(lowest_);
  return lowest_;
}

bool AddressPool::take(const IpAddress& address) { return subnet_.contains(address) && used_.insert(address).second; }

bool AddressPool::take_again(const IpAddress& address) { return range_.contains(address) && take(address); }

void AddressPool::give_back(const IpAddress& address) {
  if (!subnet_.contains(address) || reserved_.contains(address)) return;
  used_.erase(address);
  if (range_.contains(address) && address < lowest_) lowest_ = address;
}

AddressUse AddressPool::use() const {
  using Wide = unsigned __int128;
  auto taken =
      static_cast<std::uint64_t>(std::distance(used_.lower_bound(range_.first()), used_.upper_bound(range_.last())));
  int bits = range_.address.width() - range_.prefix_length;
  AddressUse use;
  use.in_use = used_.size();
  Wide left = (Wide{1} << std::min(bits, 65)) - taken;  // 2^65 is more than can be told in any case
  use.available = static_cast<std::uint64_t>(std::min<Wide>(left, UINT64_MAX));
  return use;
}

}  // namespace hull::network
