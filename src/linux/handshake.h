// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace hull::linux {

// One end of a message socket between a process and the child it sets up. Close-on-exec: the end of the
// conversation tells the parent that the child has executed its program (or has died).
class Handshake {
 public:
  struct Message {
    char kind = 0;
    std::string body;
    UniqueFd descriptor;
  };
  struct Ends;
  // A connected pair. Throws errno.
  static Ends make();

  Handshake() = default;
  explicit Handshake(UniqueFd socket) : socket_(std::move(socket)) {}

  // At most 16 KiB, the rest is cut off. A peer that is gone is an error (EPIPE), never a signal.
  void send(char kind, std::string_view body = {}, int descriptor = -1) const;
  // The same by write(2) alone, which a process can use whatever its seccomp filter announces, for short bodies; and
  // waits for any answer by read(2). False when the other end is closed.
  bool ask_plainly(char kind, std::string_view body) const;
  // Blocks; empty when the other end is closed.
  std::optional<Message> receive() const;
  // Whether the other end has been closed. Does not block.
  bool peer_gone() const;

  int get() const { return socket_.get(); }
  bool valid() const { return socket_.valid(); }
  void close() { socket_.reset(); }

 private:
  UniqueFd socket_;
};
struct Handshake::Ends {
  Handshake ours, theirs;
};

// The same conversation with somebody who comes later: a listening socket at `name` in the directory `directory`.
UniqueFd listen_for_handshake(int directory, const std::string& name);
Handshake accept_handshake(int listener);
Handshake connect_handshake(int directory, const std::string& name);

// Sends a descriptor over a connected stream socket with one byte of text, as runc's --console-socket wants it.
void send_descriptor(const std::string& socket_path, std::string_view text, int descriptor);

}  // namespace hull::linux
