// SPDX-License-Identifier: Apache-2.0
#include "linux/poll_set.h"

#include "base/error.h"

namespace hull::linux {

std::size_t PollSet::add(int fd, Interest interest) {
  int events = (interest.read ? POLLIN : 0) | (interest.write ? POLLOUT : 0);
  polled_.push_back({fd, static_cast<short>(events), 0});
  return polled_.size() - 1;
}

bool PollSet::wait(std::chrono::milliseconds patience) {
  int timeout = patience.count() < 0 ? -1 : static_cast<int>(patience.count());
  for (;;) {
    int ready = ::poll(polled_.data(), polled_.size(), timeout);
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) throw_errno("poll");
  }
}

}  // namespace hull::linux
