// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace hull::shim {

// What a frame of a multiplexed stream carries: an output of a process, or an error of the engine itself.
enum class Channel : unsigned char { kOut = 1, kErr = 2, kSystemError = 3 };

// The head of a frame (Engine API, "Stream format"): the channel, three zero bytes, the length in network order.
inline std::array<char, 8> frame_header(Channel channel, std::size_t size) {
  auto part = [size](int shift) { return static_cast<char>((size >> shift) & 0xff); };
  return {static_cast<char>(channel), 0, 0, 0, part(24), part(16), part(8), part(0)};
}

inline std::string framed(Channel channel, std::string_view text) {
  auto header = frame_header(channel, text.size());
  return std::string(header.data(), header.size()).append(text);
}

}  // namespace hull::shim
