// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "linux/reactor.h"

namespace hull::linux {

// Work of one object on the reactor's background threads. The destructor waits for what is running and drops what
// has not begun, so that the work may use its owner without further care. Declare it after what the work uses.
class Background {
 public:
  explicit Background(Reactor& reactor);
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background();

  void run(std::function<void()> work);
  void run_after(std::chrono::nanoseconds delay, std::function<void()> work);

 private:
  struct Gate;
  static std::function<void()> guarded(std::shared_ptr<Gate> gate, std::function<void()> work);
  Reactor& reactor_;
  std::shared_ptr<Gate> gate_;
};

}  // namespace hull::linux
