// SPDX-License-Identifier: Apache-2.0
#include "shim/protocol.h"

#include <algorithm>
#include <cstring>

#include "linux/unix_socket.h"

namespace hull::shim {

namespace {

constexpr std::uint32_t kVersion = 0x68730002;  // "hs", then a number that grows with each change of the form
constexpr std::uint32_t kMaxBody = 64 << 20;

struct Header {
  std::uint32_t version = kVersion;
  MessageKind kind = MessageKind::kDone;
  std::uint32_t size = 0;
};

Header parse_header(const std::string& bytes) {
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != kVersion) fail(Kind::kInternal, "the shim and the engine are of different releases of hull");
  if (header.size > kMaxBody) fail(Kind::kInternal, "a message between shim and engine is too large");
  return header;
}

}  // namespace

std::string frame(MessageKind kind, std::string_view body) {
  Header header{.kind = kind, .size = static_cast<std::uint32_t>(body.size())};
  std::string bytes;
  bytes.reserve(sizeof header + body.size());
  bytes.append(reinterpret_cast<const char*>(&header), sizeof header);
  bytes += body;
  return bytes;
}

void send_message(int socket, MessageKind kind, std::string_view body, std::span<const int> descriptors) {
  linux::send_with_descriptors(socket, frame(kind, body), descriptors);
}

// Never asks for more than `size` bytes in all, so that descriptors stay with their own message.
bool MessageReader::fill(int socket, std::string& into, std::size_t size, Waiting waiting) {
  constexpr std::size_t kPiece = 256 << 10;
  while (into.size() < size) {
    std::size_t had = into.size();
    into.resize(std::min(size, had + kPiece));
    auto got = linux::receive_with_descriptors(socket, std::span(into).subspan(had), message_.descriptors,
                                               waiting == Waiting::kYes);
    into.resize(had + got.value_or(0));
    if (got == 0U) ended_ = true;
    if (got.value_or(0) == 0) return false;
  }
  return true;
}

std::optional<Message> MessageReader::next(int socket, Waiting waiting) {
  if (!fill(socket, header_, sizeof(Header), waiting)) return std::nullopt;
  Header header = parse_header(header_);
  if (!fill(socket, message_.body, header.size, waiting)) return std::nullopt;
  message_.kind = header.kind;
  header_.clear();
  return std::exchange(message_, {});
}

}  // namespace hull::shim
