// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

namespace hull::linux {

// A counter that can be waited for; eventfd(2). signal() may be called from any thread and from a signal
// handler, and never blocks.
class EventFd {
 public:
  EventFd();  // throws errno
  int get() const noexcept { return fd_.get(); }
  void signal() const noexcept;
  void clear() const noexcept;

 private:
  UniqueFd fd_;
};

}  // namespace hull::linux
