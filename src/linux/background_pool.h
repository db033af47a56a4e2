// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace hull::linux {

// Threads that are started when there is work, at most sixteen, and end when there has been none for a while.
// Thread-safe.
class BackgroundPool {
 public:
  BackgroundPool() = default;
  ~BackgroundPool() { finish(); }
  BackgroundPool(const BackgroundPool&) = delete;

  // Runs `work` soon, in no particular order. Exceptions are logged. Never blocks.
  void run(std::function<void()> work);
  // Returns when everything that was given is done and every thread has ended. Idempotent.
  void finish();

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable work_, ended_;
  std::deque<std::function<void()>> queue_;
  int threads_ = 0, idle_ = 0;
  bool finishing_ = false;
};

}  // namespace hull::linux
