// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace hull::linux {

// An exclusive lock on a file that belongs to this process alone: unlike that of flock(2) no child inherits it, and it
// ends with the process, however that ends (fcntl(2), F_SETLK). Closing any other descriptor of the file would end it
// as well.
class ProcessLock {
 public:
  enum class Wait : unsigned char { kNo, kYes };
  // The file is made when it is missing. Empty when another process has it (Wait::kNo), or the directory is gone, or
  // the file was deleted while we waited. Throws errno.
  static std::optional<ProcessLock> take(const std::string& path, Wait wait);

  int fd() const { return fd_.get(); }

 private:
  explicit ProcessLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace hull::linux
