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
  // What of the file is locked: its bytes from this one on belong to independent locks.
  enum class Part : unsigned char { kFirst, kSecond };
  // The file is made when it is missing. Empty when another process has that part (Wait::kNo), or the directory is
  // gone, or the file was deleted while we waited. Throws errno.
  static std::optional<ProcessLock> take(const std::string& path, Wait wait, Part part = Part::kFirst);

  // Another part of the same file as well; waits for whoever has it. Throws errno.
  void extend(Part part) const;

  int fd() const { return fd_.get(); }

 private:
  explicit ProcessLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace hull::linux
