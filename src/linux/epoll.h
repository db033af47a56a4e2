// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>

#include "base/unique_fd.h"

namespace hull::linux {

// An epoll set, level triggered; epoll(7). `tag` comes back with each event. Thread-safe as the kernel is.
class Epoll {
 public:
  Epoll();  // throws errno

  void add(int fd, std::uint32_t events, std::uint64_t tag);     // throws errno
  void modify(int fd, std::uint32_t events, std::uint64_t tag);  // throws errno
  void remove(int fd) noexcept;                                  // idempotent
  // Waits at most `timeout_ms` (-1: for ever). Gives back the part of `events` that was filled; empty after a
  // signal or at the end of the time.
  std::span<epoll_event> wait(std::span<epoll_event> events, int timeout_ms);

 private:
  UniqueFd fd_;
};

}  // namespace hull::linux
