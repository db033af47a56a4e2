// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace hull::shim {

// Packets that wait for a remote, one behind the other in one memory. Memory is kept only while something waits.
class PacketQueue {
 public:
  void push(std::string_view packet);
  bool empty() const { return sizes_.empty(); }
  std::size_t bytes() const { return bytes_.size() - begin_; }
  std::size_t packets() const { return sizes_.size(); }

  std::string_view first() const { return std::string_view(bytes_).substr(begin_, sizes_.front()); }
  // All that waits, as a stream has it.
  std::string_view all() const { return std::string_view(bytes_).substr(begin_); }
  void pop();
  void clear();

 private:
  std::string bytes_;
  std::size_t begin_ = 0;
  std::deque<std::uint32_t> sizes_;
};

}  // namespace hull::shim
