// SPDX-License-Identifier: Apache-2.0
#include "linux/readiness.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "linux/unix_address.h"

namespace hull::linux {

ReadinessSocket::ReadinessSocket(const std::string& directory, const std::string& name)
    : socket_(check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket")) {
  UniqueFd at = open_file(directory, O_PATH | O_DIRECTORY);
  ::unlinkat(at.get(), name.c_str(), 0);
  check(UnixAddress(at.get(), name).bind(socket_.get()), "bind", name);
  check(::fchmodat(at.get(), name.c_str(), 0777, 0), "chmod", name);
}

bool ReadinessSocket::take() {
  char text[4096];
  for (;;) {
    ssize_t size = ::recv(socket_.get(), text, sizeof text, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return false;
    check(size, "receive", "a notification of the container");
    auto lines = split(std::string_view(text, static_cast<std::size_t>(size)), '\n');
    if (std::ranges::find(lines, "READY=1") != lines.end()) return true;
  }
}

bool ReadinessSocket::wait(int pidfd) {
  for (;;) {
    pollfd ready[] = {{socket_.get(), POLLIN, 0}, {pidfd, POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0 && errno != EINTR) throw_errno("poll");
    if (take()) return true;
    if (ready[1].revents) return false;
  }
}

}  // namespace hull::linux
