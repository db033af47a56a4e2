// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/unique_fd.h"

// Reading and writing without waiting, for event loops. None of these throws: what can happen is in the result.
namespace hull::linux {

enum class IoStatus : unsigned char {
  kDone,        // `bytes` were moved (a write may be short)
  kWouldBlock,  // nothing now
  kEnd,         // read: end of file. write: nobody reads any more (EPIPE, ECONNRESET)
  kFailed,      // anything else: `code`
};
struct IoResult {
  IoStatus status = IoStatus::kDone;
  std::size_t bytes = 0;
  int code = 0;
};

// For pipes and terminals, which must be non-blocking. A terminal whose other side is closed (EIO) is at its end.
IoResult try_read(int fd, std::span<char> into);
IoResult try_write(int fd, std::string_view data);
// For sockets, whatever mode they are in (MSG_DONTWAIT, MSG_NOSIGNAL).
IoResult try_receive(int socket, std::span<char> into);
IoResult try_send(int socket, std::string_view first, std::string_view second = {});

void set_nonblocking(int fd);  // throws errno

struct Pipe {
  UniqueFd read, write;
};
Pipe make_pipe();                   // pipe(2), close-on-exec, blocking. Throws errno
std::size_t pipe_capacity(int fd);  // F_GETPIPE_SZ; 64 KiB for what is no pipe

// Waits until there is something to read, or the other side is closed. False when the time is over.
bool readable_within(int fd, int timeout_ms);

// Waits until the other side has read all that was sent (SIOCOUTQ; over TCP: has acknowledged it). False when the
// time is over first.
bool sent_is_read_within(int socket, int timeout_ms);

void shut_down_writing(int socket) noexcept;

}  // namespace hull::linux
