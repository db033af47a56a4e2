// SPDX-License-Identifier: Apache-2.0
#include "api/websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/error.h"

namespace hull::api::websocket {

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::uint64_t kLimit = 1 << 20;
constexpr std::size_t kMask = 4, kShortest = 125;

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

std::string to_big_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

bool is_known(int opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

}  // namespace

std::string accept_key(std::string_view key) {
  std::string text = cat(key, kGuid);
  unsigned char hash[SHA_DIGEST_LENGTH];
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  unsigned char encoded[4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1];
  int size = ::EVP_EncodeBlock(encoded, hash, sizeof hash);
  return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(size)};
}

std::string frame(Opcode opcode, std::string_view payload) {
  std::string out(1, static_cast<char>(0x80 | static_cast<int>(opcode)));
  if (payload.size() <= kShortest)
    out += static_cast<char>(payload.size());
  else if (payload.size() <= 0xffff)
    out += static_cast<char>(126) + to_big_endian(payload.size(), 2);
  else
    out += static_cast<char>(127) + to_big_endian(payload.size(), 8);
  return out.append(payload);
}

std::string close_frame(std::uint16_t code) { return frame(Opcode::kClose, to_big_endian(code, 2)); }

std::optional<Frame> Decoder::next() {
  if (buffer_.size() < 2) return std::nullopt;
  std::string_view bytes = buffer_;
  int first = static_cast<unsigned char>(bytes[0]), second = static_cast<unsigned char>(bytes[1]);
  int opcode = first & 0x0f;
  bool control = opcode >= 8, last = (first & 0x80) != 0;
  if ((first & 0x70) != 0 || !is_known(opcode)) fail_invalid("a WebSocket frame of an unknown kind");
  if ((second & 0x80) == 0) fail_invalid("a WebSocket frame of a client without a mask");
  std::uint64_t length = static_cast<std::uint64_t>(second & 0x7f);
  if (control && (!last || length > kShortest)) fail_invalid("a WebSocket control frame that is too long");
  std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  std::size_t head = 2 + extra + kMask;
  if (bytes.size() < head) return std::nullopt;
  if (extra) length = big_endian(bytes.substr(2, extra));
  if (length > kLimit) fail_invalid("a WebSocket frame of more than ", kLimit, " bytes");
  if (bytes.size() < head + length) return std::nullopt;

  std::string_view mask = bytes.substr(2 + extra, kMask);
  Frame frame{static_cast<Opcode>(opcode), std::string(bytes.substr(head, length))};
  for (std::size_t i = 0; i < frame.payload.size(); ++i) frame.payload[i] ^= mask[i % kMask];
  buffer_.erase(0, head + length);
  return frame;
}

}  // namespace hull::api::websocket
