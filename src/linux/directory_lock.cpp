// SPDX-License-Identifier: Apache-2.0
#include "linux/directory_lock.h"

#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"

namespace hull::linux {

UniqueFd lock_directory(const std::string& path, Sharing sharing) {
  UniqueFd fd = open_file(path, O_RDONLY | O_DIRECTORY);
  int result;
  do result = ::flock(fd.get(), sharing == Sharing::kAlone ? LOCK_EX : LOCK_SH);
  while (result < 0 && errno == EINTR);
  check(result, "flock", path);
  return fd;
}

bool is_directory_at(int fd, const std::string& path) {
  struct stat ours {
  }, there{};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
         ours.st_dev == there.st_dev;
}

}  // namespace hull::linux
