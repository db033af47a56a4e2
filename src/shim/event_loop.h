// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "linux/epoll.h"

namespace hull::shim {

// The shim's only thread of control: descriptors and timers with callbacks. Not thread-safe. A callback may change
// and cancel anything, itself too; what it must not destroy while it runs it hands to defer().
class EventLoop {
 public:
  using Id = std::uint64_t;

  // Level triggered. The caller keeps owning `fd` and cancels before closing it.
  Id watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> ready);
  void change(Id id, std::uint32_t events);  // 0: errors and hang-ups only
  void pause(Id id);                         // nothing at all, until change()
  void cancel(Id id);                        // of a watch or a timer. Idempotent

  Id after(std::int64_t milliseconds, std::function<void()> fire);
  void defer(std::function<void()> work);  // runs when the callbacks of this round are done

  // Called after a second without any event that followed a busy time: the moment to give memory back.
  void on_quiet(std::function<void()> quiet) { quiet_ = std::move(quiet); }

  void run();  // until stop()
  void stop() { running_ = false; }

 private:
  struct Watch {
    int fd;
    std::uint32_t events;
    bool paused;
    std::function<void(std::uint32_t)> ready;
  };
  struct Timer {
    std::int64_t due;
    std::function<void()> fire;
  };
  int run_due_timers();
  void run_deferred();
  int timeout_for(int timer) const;

  linux::Epoll epoll_;
  std::map<Id, std::shared_ptr<Watch>> watches_;
  std::map<Id, Timer> timers_;  // few: searched, not sorted
  std::vector<std::function<void()>> deferred_;
  std::function<void()> quiet_;
  Id next_id_ = 1;
  bool running_ = true, was_busy_ = true;
};

}  // namespace hull::shim
