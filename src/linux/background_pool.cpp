// SPDX-License-Identifier: Apache-2.0
#include "linux/background_pool.h"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "base/log.h"

namespace hull::linux {

namespace {
constexpr int kMaxThreads = 16;
constexpr std::chrono::seconds kIdleTime{5};
}  // namespace

void BackgroundPool::run(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  if (static_cast<std::size_t>(idle_) >= queue_.size() || threads_ >= kMaxThreads) {
    work_.notify_one();
    return;
  }
  try {
    // Detached: `threads_` counts them, and finish() waits for the last.
    std::thread([this] { serve(); }).detach();
    ++threads_;
  } catch (const std::exception& e) {
    if (threads_ == 0) throw;  // with others alive the work is only later
    log::warn("cannot start a background thread: ", e.what());
  }
}

void BackgroundPool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait_for(lock, kIdleTime, [&] { return !queue_.empty() || finishing_; });
    --idle_;
    if (queue_.empty()) break;  // idle for long enough, or finishing
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    try {
      work();
    } catch (const std::exception& e) {
      log::error("background work failed: ", e.what());
    }
    work = nullptr;
    lock.lock();
  }
  --threads_;
  ended_.notify_all();  // with the mutex held: after finish() has it, this thread touches nothing of ours
}

void BackgroundPool::finish() {
  std::unique_lock lock(mutex_);
  finishing_ = true;
  work_.notify_all();
  ended_.wait(lock, [&] { return threads_ == 0 && queue_.empty(); });
  finishing_ = false;
}

}  // namespace hull::linux
