// SPDX-License-Identifier: Apache-2.0
#include "linux/eventfd.h"

#include <sys/eventfd.h>

#include <cstdint>

namespace hull::linux {

EventFd::EventFd() : fd_(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

void EventFd::signal() const noexcept {
  std::uint64_t one = 1;
  // Fails only when the counter is full, and then the waiter is awake anyway.
  [[maybe_unused]] ssize_t put = ::write(fd_.get(), &one, sizeof one);
}

void EventFd::clear() const noexcept {
  std::uint64_t count;
  [[maybe_unused]] ssize_t got = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace hull::linux
