// SPDX-License-Identifier: Apache-2.0
#include "container/events.h"

#include <algorithm>

#include "base/error.h"

namespace hull::container {

namespace {
constexpr std::size_t kReplayed = 256;
constexpr std::size_t kBacklog = 4096;
}  // namespace

struct Events::Listener {
  std::mutex mutex;
  std::condition_variable_any arrived;
  std::deque<Event> queue;
  bool cut_off = false;
};

void Events::publish(Event event) {
  std::vector<std::shared_ptr<Listener>> listeners;
  {
    std::scoped_lock lock(mutex_);
    if (event.time.never()) event.time = now();
    past_.push_back(event);
    if (past_.size() > kReplayed) past_.pop_front();
    listeners = listeners_;
  }
  for (const auto& listener : listeners) {
    std::scoped_lock lock(listener->mutex);
    if (listener->queue.size() >= kBacklog)
      listener->cut_off = true;
    else
      listener->queue.push_back(event);
    listener->arrived.notify_one();
  }
}

void Events::follow(std::optional<Timestamp> since, std::optional<Timestamp> until,
                    const std::function<void(const Event&)>& each, std::stop_token stop,
                    const std::function<void()>& idle) {
  auto listener = std::make_shared<Listener>();
  {
    std::scoped_lock lock(mutex_);
    if (since || until)
      for (const Event& event : past_)
        if ((!since || event.time >= *since) && (!until || event.time <= *until)) listener->queue.push_back(event);
    listeners_.push_back(listener);
  }
  struct Leave {
    Events& events;
    std::shared_ptr<Listener> listener;
    ~Leave() {
      std::scoped_lock lock(events.mutex_);
      std::erase(events.listeners_, listener);
    }
  } leave{*this, listener};

  std::unique_lock lock(listener->mutex);
  while (!stop.stop_requested()) {
    while (!listener->queue.empty()) {
      Event event = std::move(listener->queue.front());
      listener->queue.pop_front();
      if (until && event.time > *until) return;
      lock.unlock();  // a slow reader must not hold up publish()
      each(event);
      lock.lock();
    }
    if (listener->cut_off) fail(Kind::kUnavailable, "this reader of events fell too far behind and was cut off");
    std::int64_t left = until ? until->nanoseconds - now().nanoseconds : 1'000'000'000;
    if (left <= 0) return;
    auto patience = std::chrono::nanoseconds(std::min<std::int64_t>(left, 1'000'000'000));
    bool arrived =
        listener->arrived.wait_for(lock, stop, patience, [&] { return !listener->queue.empty() || listener->cut_off; });
    if (!arrived && idle) {
      lock.unlock();
      idle();
      lock.lock();
    }
  }
}

int Events::listeners() const {
  std::scoped_lock lock(mutex_);
  return static_cast<int>(listeners_.size());
}

}  // namespace hull::container
