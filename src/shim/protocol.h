// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

// What engine and shim say to each other. A message is a header, a body in the wire form (base/wire.h) of the struct
// that belongs to its kind (shim/messages.h), and descriptors that travel with the header's first byte.
//
//   connection             engine -> shim                         shim -> engine
//   the one of the launch  kStart, later kAcknowledge             kStarted or kFailed, then events
//   a fresh one each       kAttach, kExec, kResize, kSignalExec,  kDone, kExeced or kFailed
//                          kRelay
//   after a restart        kSubscribe, later kAcknowledge         kSubscribed, then events
//
// A subscription replaces the one before. An exec's end is told until it is acknowledged, so no engine misses one.
namespace hull::shim {

enum class MessageKind : std::uint32_t {
  kStart = 1,
  kSubscribe,
  kAttach,
  kExec,
  kResize,
  kSignalExec,
  kAcknowledge,
  kRelay,
  kDone = 32,
  kStarted,
  kSubscribed,
  kExeced,
  kFailed,
  kExited = 64,
  kExecExited,
  kOutOfMemory,
  kDetached,
  kNote,
  kHooksFollow,  // before kExited: hooks run after it, and what they warn of still comes as kNote
};

struct Message {
  MessageKind kind = MessageKind::kDone;
  std::string body;
  std::vector<UniqueFd> descriptors;
};

// The bytes of header and body, for whoever queues them.
std::string frame(MessageKind kind, std::string_view body);
// Blocks until everything is handed to the kernel. Throws errno.
void send_message(int socket, MessageKind kind, std::string_view body, std::span<const int> descriptors = {});

// Takes messages off a socket, across reads of any size. Throws Error{kInternal} for what is not of this protocol
// or of another version of it.
class MessageReader {
 public:
  enum class Waiting : bool { kNo, kYes };
  // The next message; empty when it is not complete yet (never with kYes), or at the end of the stream: see ended().
  std::optional<Message> next(int socket, Waiting waiting);
  bool ended() const { return ended_; }

 private:
  bool fill(int socket, std::string& into, std::size_t size, Waiting waiting);

  std::string header_;
  Message message_;
  bool ended_ = false;
};

}  // namespace hull::shim
