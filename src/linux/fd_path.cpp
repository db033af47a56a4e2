// SPDX-License-Identifier: Apache-2.0
#include "linux/fd_path.h"

#include <unistd.h>

#include <climits>

#include "base/error.h"

namespace hull::linux {

std::string fd_path(int fd) {
  std::string link = cat("/proc/self/fd/", fd);
  char target[PATH_MAX];
  auto size = check(::readlink(link.c_str(), target, sizeof target), "readlink", link);
  return std::string(target, static_cast<std::size_t>(size));
}

std::string fd_path_for_others(int fd) { return cat("/proc/", ::getpid(), "/fd/", fd); }

}  // namespace hull::linux
