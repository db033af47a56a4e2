// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"

namespace hull {

// The changes to the world that have to be taken back if the rest does not work out: mounts, cgroups,
// interfaces, directories. Undone in reverse order by the destructor, unless commit() was called.
// (Handles are not for here: a descriptor is closed by its own destructor.)
class Rollback {
 public:
  Rollback() = default;
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  ~Rollback() { undo(); }

  void add(std::string step, std::function<void()> take_back) {
    steps_.emplace_back(std::move(step), std::move(take_back));
  }
  void commit() noexcept { steps_.clear(); }

  // Takes everything back now. A step that fails is logged, and does not keep the others from running.
  void undo() noexcept {
    while (!steps_.empty()) {
      auto [step, take_back] = std::move(steps_.back());
      steps_.pop_back();
      try {
        take_back();
      } catch (const std::exception& e) {
        log::warn("cannot take back ", step, ": ", e.what());
      }
    }
  }

 private:
  std::vector<std::pair<std::string, std::function<void()>>> steps_;
};

}  // namespace hull
