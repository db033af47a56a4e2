// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "linux/background.h"

namespace hull::network {

// A few things made ahead, because making one costs a millisecond that a start should not pay. take() never waits
// for the making: it gives a ready one or none; fill() has them replaced in the background, and is called when the
// user of the one taken is through with what the kernel would make it wait for (the lock of rtnetlink). Thread-safe.
// The destructor waits for the filling and drops what is left.
template <class Thing>
class ReadyPool {
 public:
  ReadyPool(linux::Reactor& reactor, std::size_t size, std::function<Thing()> make)
      : size_(size), make_(std::move(make)), background_(reactor) {}

  std::optional<Thing> take() {
    std::lock_guard lock(mutex_);
    if (ready_.empty()) return std::nullopt;
    std::optional<Thing> thing(std::move(ready_.back()));
    ready_.pop_back();
    return thing;
  }

  void fill() {
    std::lock_guard lock(mutex_);
    if (filling_ || ready_.size() >= size_) return;
    filling_ = true;
    background_.run([this] { fill_now(); });
  }

  void clear() {
    std::vector<Thing> dropped;
    std::lock_guard lock(mutex_);
    ++generation_;
    dropped.swap(ready_);
  }

 private:
  void fill_now() {
    try {
      while (auto generation = wanted()) {
        Thing thing = make_();
        std::lock_guard lock(mutex_);
        if (*generation == generation_) ready_.push_back(std::move(thing));
      }
    } catch (...) {
      std::lock_guard lock(mutex_);
      filling_ = false;
      throw;
    }
  }

  // Empty, and the filling over, when there are enough.
  std::optional<unsigned> wanted() {
    std::lock_guard lock(mutex_);
    filling_ = ready_.size() < size_;
    return filling_ ? std::optional(generation_) : std::nullopt;
  }

  std::mutex mutex_;
  const std::size_t size_;
  std::function<Thing()> make_;
  std::vector<Thing> ready_;
  unsigned generation_ = 0;
  bool filling_ = false;
  linux::Background background_;
};

}  // namespace hull::network
