// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The server's side of the WebSocket protocol, RFC 6455: the bytes, no sockets.
namespace hull::api::websocket {

// The answer to a client's Sec-WebSocket-Key (section 4.2.2).
std::string accept_key(std::string_view key);

enum class Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

// A whole, unmasked, unfragmented frame, as servers send them.
std::string frame(Opcode opcode, std::string_view payload);
std::string close_frame(std::uint16_t code);

struct Frame {
  Opcode opcode = Opcode::kBinary;
  std::string payload;  // without the mask. Of a fragmented message each fragment comes by itself
};

// Frames out of a client's bytes.
class Decoder {
 public:
  void add(std::string_view bytes) { buffer_ += bytes; }
  // Empty when more bytes are needed. Throws Error{kInvalidArgument} for what breaks the protocol: an unmasked frame,
  // reserved bits, a control frame that is fragmented or longer than 125 bytes, a frame of more than 1 MiB.
  std::optional<Frame> next();

 private:
  std::string buffer_;
};

}  // namespace hull::api::websocket
