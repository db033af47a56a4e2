// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace hull::linux {

// The one thread of hulld that owns what only waits: shim connections, timers, netlink events. Callbacks run
// on that thread, one at a time, and must not block: work that takes long is handed to run_in_background().
class Reactor {
 public:
  Reactor();   // starts the thread; throws errno
  ~Reactor();  // stops it; callbacks still registered are dropped, background work is finished first
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  using Id = std::uint64_t;  // never reused; 0 is none

  // Calls `ready(epoll events)` whenever `fd` has one of `events` (EPOLLIN, …; level triggered). The caller
  // keeps owning `fd`, and removes the watch before closing it.
  Id watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> ready);
  // Calls `fire` once, `delay` from now (CLOCK_MONOTONIC).
  Id after(std::chrono::nanoseconds delay, std::function<void()> fire);
  // After return the callback is not running and never runs again, except when called from inside that very
  // callback. Idempotent; unknown ids are fine.
  void cancel(Id id);

  // Runs `work` on a pool thread (started on demand, ended when idle). Exceptions are logged.
  void run_in_background(std::function<void()> work);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hull::linux
