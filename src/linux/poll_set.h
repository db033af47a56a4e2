// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <vector>

namespace hull::linux {

// The descriptors that one poll(2) waits for.
class PollSet {
 public:
  struct Interest {
    bool read = false, write = false;
  };
  // Gives the number by which ready() knows it. A negative descriptor is never ready. Without any interest only
  // hung_up() can become true.
  std::size_t add(int fd, Interest interest);
  // Blocks; negative patience: for ever. False when the time is over. Throws errno.
  bool wait(std::chrono::milliseconds patience);

  bool ready(std::size_t number) const { return polled_[number].revents != 0; }
  // Both directions are closed, or it is broken.
  bool hung_up(std::size_t number) const { return (polled_[number].revents & (POLLHUP | POLLERR)) != 0; }

 private:
  std::vector<pollfd> polled_;
};

}  // namespace hull::linux
