// SPDX-License-Identifier: Apache-2.0
#include "linux/reactor.h"

#include <array>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "linux/background_pool.h"
#include "linux/epoll.h"
#include "linux/eventfd.h"

namespace hull::linux {

namespace {

constexpr std::uint64_t kWakeTag = 0;  // Reactor::Id starts at 1

template <class Call>
void guarded(Call call) {
  try {
    call();
  } catch (const std::exception& e) {
    log::error("a callback of the event loop failed: ", e.what());
  }
}

}  // namespace

// One mutex for the tables; never held while a callback runs. `running` names the callback that runs now, so that
// cancel() from another thread can wait for its end.
struct Reactor::State {
  struct Watch {
    int fd;
    std::shared_ptr<std::function<void(std::uint32_t)>> ready;
  };
  struct Timer {
    Id id;
    std::function<void()> fire;
  };
  using Timers = std::multimap<std::int64_t, Timer>;

  Epoll epoll;
  EventFd wake;
  std::mutex mutex;
  std::condition_variable callback_ended;
  std::unordered_map<Id, Watch> watches;
  Timers timers;
  std::unordered_map<Id, Timers::iterator> timer_by_id;
  Id next_id = 1;
  Id running = 0;
  bool stopping = false;
  BackgroundPool pool;
  std::thread thread;

  State() {
    epoll.add(wake.get(), EPOLLIN, kWakeTag);
    thread = std::thread([this] { loop(); });
  }

  void loop() {
    std::array<epoll_event, 64> room;
    for (;;) {
      int timeout = run_due_timers();
      for (const epoll_event& event : epoll.wait(room, timeout)) {
        if (event.data.u64 == kWakeTag) {
          wake.clear();
        } else {
          run_watch(event.data.u64, event.events);
        }
      }
      std::lock_guard lock(mutex);
      if (stopping) return;
    }
  }

  void run_watch(Id id, std::uint32_t events) {
    std::shared_ptr<std::function<void(std::uint32_t)>> ready;
    {
      std::lock_guard lock(mutex);
      auto found = watches.find(id);
      if (found == watches.end() || stopping) return;
      ready = found->second.ready;
      running = id;
    }
    guarded([&] { (*ready)(events); });
    // What the callback captured is released before cancel() returns elsewhere.
    ready.reset();
    end_callback();
  }

  void end_callback() {
    std::lock_guard lock(mutex);
    running = 0;
    callback_ended.notify_all();
  }

  // Gives the milliseconds until the next one, rounded up; -1: none.
  int run_due_timers() {
    for (;;) {
      std::optional<Timer> due;
      {
        std::lock_guard lock(mutex);
        if (timers.empty()) return -1;
        std::int64_t left = timers.begin()->first - monotonic_nanoseconds();
        if (left > 0 || stopping)
          return static_cast<int>(std::min<std::int64_t>((left + 999'999) / 1'000'000, 1 << 30));
        due = std::move(timers.begin()->second);
        timer_by_id.erase(due->id);
        timers.erase(timers.begin());
        running = due->id;
      }
      guarded(due->fire);
      due.reset();
      end_callback();
    }
  }

  // Must be called with the mutex held. What is returned is destroyed by the caller without it.
  std::pair<Watch, std::function<void()>> forget(Id id) {
    std::pair<Watch, std::function<void()>> removed{};
    if (auto watch = watches.find(id); watch != watches.end()) {
      epoll.remove(watch->second.fd);
      removed.first = std::move(watch->second);
      watches.erase(watch);
    }
    if (auto timer = timer_by_id.find(id); timer != timer_by_id.end()) {
      removed.second = std::move(timer->second->second.fire);
      timers.erase(timer->second);
      timer_by_id.erase(timer);
    }
    return removed;
  }
};

Reactor::Reactor() : state_(std::make_shared<State>()) {}

Reactor::~Reactor() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.signal();
  state_->thread.join();
  state_->pool.finish();
}

Reactor::Id Reactor::watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> ready) {
  std::lock_guard lock(state_->mutex);
  Id id = state_->next_id++;
  // In the table first: the event may come at once. It is looked up under the same mutex.
  state_->watches.emplace(id, State::Watch{fd, std::make_shared<std::function<void(std::uint32_t)>>(std::move(ready))});
  try {
    state_->epoll.add(fd, events, id);
  } catch (...) {
    state_->watches.erase(id);
    throw;
  }
  return id;
}

Reactor::Id Reactor::after(std::chrono::nanoseconds delay, std::function<void()> fire) {
  std::int64_t due = monotonic_nanoseconds() + delay.count();
  bool is_first;
  Id id;
  {
    std::lock_guard lock(state_->mutex);
    id = state_->next_id++;
    auto timer = state_->timers.emplace(due, State::Timer{id, std::move(fire)});
    state_->timer_by_id.emplace(id, timer);
    is_first = timer == state_->timers.begin();
  }
  if (is_first && std::this_thread::get_id() != state_->thread.get_id()) state_->wake.signal();
  return id;
}

void Reactor::cancel(Id id) {
  if (id == 0) return;
  std::pair<State::Watch, std::function<void()>> removed{};
  std::unique_lock lock(state_->mutex);
  removed = state_->forget(id);
  if (std::this_thread::get_id() != state_->thread.get_id())
    state_->callback_ended.wait(lock, [&] { return state_->running != id; });
  lock.unlock();
}

void Reactor::run_in_background(std::function<void()> work) { state_->pool.run(std::move(work)); }

}  // namespace hull::linux
