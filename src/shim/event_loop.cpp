// SPDX-License-Identifier: Apache-2.0
#include "shim/event_loop.h"

#include <algorithm>
#include <array>

#include "base/clock.h"

namespace hull::shim {

namespace {

constexpr int kQuietMilliseconds = 1000;

std::int64_t now_milliseconds() { return monotonic_nanoseconds() / 1'000'000; }

}  // namespace

EventLoop::Id EventLoop::watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> ready) {
  Id id = next_id_++;
  epoll_.add(fd, events, id);
  watches_.emplace(id, std::make_shared<Watch>(Watch{fd, events, false, std::move(ready)}));
  return id;
}

void EventLoop::change(Id id, std::uint32_t events) {
  auto found = watches_.find(id);
  if (found == watches_.end()) return;
  Watch& watch = *found->second;
  if (watch.paused) {
    epoll_.add(watch.fd, events, id);
  } else if (watch.events != events) {
    epoll_.modify(watch.fd, events, id);
  }
  watch.paused = false;
  watch.events = events;
}

void EventLoop::pause(Id id) {
  auto found = watches_.find(id);
  if (found == watches_.end() || found->second->paused) return;
  epoll_.remove(found->second->fd);
  found->second->paused = true;
}

void EventLoop::cancel(Id id) {
  timers_.erase(id);
  auto found = watches_.find(id);
  if (found == watches_.end()) return;
  if (!found->second->paused) epoll_.remove(found->second->fd);
  watches_.erase(found);
}

EventLoop::Id EventLoop::after(std::int64_t milliseconds, std::function<void()> fire) {
  Id id = next_id_++;
  timers_.emplace(id, Timer{now_milliseconds() + milliseconds, std::move(fire)});
  return id;
}

void EventLoop::defer(std::function<void()> work) { deferred_.push_back(std::move(work)); }

int EventLoop::run_due_timers() {
  while (!timers_.empty()) {
    auto first = std::ranges::min_element(timers_, {}, [](const auto& timer) { return timer.second.due; });
    std::int64_t left = first->second.due - now_milliseconds();
    if (left > 0) return static_cast<int>(std::min<std::int64_t>(left, 1 << 30));
    auto fire = std::move(first->second.fire);
    timers_.erase(first);
    fire();
    run_deferred();
  }
  return -1;
}

void EventLoop::run_deferred() {
  while (!deferred_.empty()) {
    auto works = std::exchange(deferred_, {});
    for (auto& work : works) work();
  }
}

int EventLoop::timeout_for(int timer) const {
  if (!was_busy_) return timer;
  return timer < 0 ? kQuietMilliseconds : std::min(timer, kQuietMilliseconds);
}

void EventLoop::run() {
  std::array<epoll_event, 16> room;
  run_deferred();
  while (running_) {
    int timer = run_due_timers();
    if (!running_) return;
    auto events = epoll_.wait(room, timeout_for(timer));
    for (const epoll_event& event : events) {
      auto found = watches_.find(event.data.u64);
      if (found == watches_.end() || found->second->paused) continue;
      auto watch = found->second;  // survives a cancel() from inside
      watch->ready(event.events);
    }
    run_deferred();
    if (events.empty() && was_busy_ && (timer < 0 || timer >= kQuietMilliseconds) && quiet_) quiet_();
    was_busy_ = !events.empty();
  }
}

}  // namespace hull::shim
