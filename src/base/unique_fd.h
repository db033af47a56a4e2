// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "base/error.h"

namespace hull {

// Owns one file descriptor. close(2) is never retried: on Linux the descriptor is gone even after EINTR,
// and the number may be somebody else's by then.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const noexcept { return fd_; }
  bool valid() const noexcept { return fd_ >= 0; }
  explicit operator bool() const noexcept { return valid(); }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (int old = std::exchange(fd_, fd); old >= 0) ::close(old);
  }
  // A second descriptor of the same open file, close-on-exec. Throws errno.
  UniqueFd duplicate() const { return UniqueFd(check(::fcntl(fd_, F_DUPFD_CLOEXEC, 3), "dup")); }

 private:
  int fd_ = -1;
};

}  // namespace hull
