// SPDX-License-Identifier: Apache-2.0
#include "linux/notifier.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hull::linux {

namespace {
bool is_file(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}
}  // namespace

std::uint32_t notifier_events(int fd) {
  return is_file(fd) ? static_cast<std::uint32_t>(EPOLLPRI) : static_cast<std::uint32_t>(EPOLLIN);
}

void clear_notifier(int fd) noexcept {
  // kernfs counts a file as seen when it is read from the start; an eventfd cannot be read at a position.
  char content[4096];
  [[maybe_unused]] ssize_t got =
      is_file(fd) ? ::pread(fd, content, sizeof content, 0) : ::read(fd, content, sizeof content);
}

bool notifier_pending(int fd) {
  pollfd entry{.fd = fd, .events = static_cast<short>(is_file(fd) ? POLLPRI : POLLIN), .revents = 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & entry.events) != 0;
}

}  // namespace hull::linux
