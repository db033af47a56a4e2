// SPDX-License-Identifier: Apache-2.0
#include "linux/directory_lock.h"

#include <sys/file.h>

#include "base/file.h"

namespace hull::linux {

UniqueFd lock_directory(const std::string& path) {
  UniqueFd fd = open_file(path, O_RDONLY | O_DIRECTORY);
  int result;
  do result = ::flock(fd.get(), LOCK_EX);
  while (result < 0 && errno == EINTR);
  check(result, "flock", path);
  return fd;
}

}  // namespace hull::linux
