// SPDX-License-Identifier: Apache-2.0
#include "shim/packet_queue.h"

namespace hull::shim {

namespace {
constexpr std::size_t kKept = 4 << 10;
}

void PacketQueue::push(std::string_view packet) {
  // Moving what is left costs no more than what was sent before it.
  if (begin_ > bytes_.size() / 2) {
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
  bytes_ += packet;
  sizes_.push_back(static_cast<std::uint32_t>(packet.size()));
}

void PacketQueue::pop() {
  begin_ += sizes_.front();
  sizes_.pop_front();
  if (sizes_.empty()) clear();
}

void PacketQueue::clear() {
  sizes_.clear();
  begin_ = 0;
  if (bytes_.capacity() > kKept) bytes_ = {};
  bytes_.clear();
}

}  // namespace hull::shim
