// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/unique_fd.h"

// Sockets that a server listens on and the connections it accepts: tcp(7), and unix(7) sockets at a path that other
// users may open. All are close-on-exec.
namespace hull::linux {

// Listens at `path` with these permissions; a socket that is left there by somebody who no longer listens is
// replaced. Throws Error{kConflict} when somebody listens there, errno otherwise.
UniqueFd listen_at_path(const std::string& path, mode_t mode, std::optional<gid_t> group);
// `host` "" or a name or an address. Throws Error{kInvalidArgument} for a host that does not resolve, else errno.
UniqueFd listen_tcp(const std::string& host, std::uint16_t port);
// Whether `fd` is a listening stream socket.
bool is_listener(int fd);
UniqueFd duplicate_of(int fd);    // of a descriptor that somebody else owns. Throws errno
bool is_internet_socket(int fd);  // IPv4 or IPv6, as opposed to unix(7)
// Empty when the client is gone already. Throws errno for what will not pass (EMFILE included).
std::optional<UniqueFd> accept_client(int listener);
// As many waiting connections as the kernel allows (net.core.somaxconn), on a socket that listens. Throws errno.
void set_backlog(int listener);

enum class Wakeup : unsigned char { kReady, kTimeout, kInterrupted };
// Waits until `fd` can be read (or written), `interrupt` (-1: none) is readable, or the time is over; negative:
// forever.
Wakeup wait_for(int fd, bool for_writing, int interrupt, std::chrono::milliseconds patience);
// Waits until one of the listeners has a client; -1 when `interrupt` became readable.
int wait_for_any(const int* listeners, std::size_t count, int interrupt);

// Never block. Empty: not now. 0: end of stream. Throws errno.
std::optional<std::size_t> receive_some(int fd, void* buffer, std::size_t size);
std::optional<std::size_t> send_some(int fd, const void* data, std::size_t size);
// Up to `size` bytes of a regular file, from `offset` on, straight from the page cache; sendfile(2). Makes the socket
// non-blocking. 0: the file has no such byte.
std::optional<std::size_t> send_file_some(int fd, int file, std::uint64_t offset, std::uint64_t size);
// "127.0.0.1:4711", "[::1]:4711" of the other end of a TCP connection; "" for anything else.
std::string peer_name(int fd);
// Ends the writing side, so that the peer sees the end while it may still be sending. Never fails.
void end_writing(int fd) noexcept;

}  // namespace hull::linux
