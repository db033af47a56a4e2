// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "base/unique_fd.h"

namespace hull::linux {

// Waits for changes of a directory's files (inotify(7)): content written, names made, moved or removed.
class FileWatch {
 public:
  // Throws errno, e.g. ENOSPC when the user has no inotify watches left.
  explicit FileWatch(const std::string& directory);

  // Returns when something has changed since the last call (true), when `stop` is requested or when `at_most` is
  // over (false). Spurious returns are possible.
  bool wait(const std::stop_token& stop, std::chrono::milliseconds at_most);

 private:
  UniqueFd inotify_, wake_;
};

}  // namespace hull::linux
