// SPDX-License-Identifier: Apache-2.0
#include "linux/process_lock.h"

#include <sys/stat.h>

#include "base/file.h"

namespace hull::linux {

std::optional<ProcessLock> ProcessLock::take(const std::string& path, Wait wait) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd && errno == ENOENT) return std::nullopt;
  check(fd.get(), "open", path);
  struct flock whole {};
  whole.l_type = F_WRLCK;
  int result;
  do result = ::fcntl(fd.get(), wait == Wait::kYes ? F_SETLKW : F_SETLK, &whole);
  while (result < 0 && errno == EINTR);
  if (result < 0 && (errno == EAGAIN || errno == EACCES)) return std::nullopt;
  check(result, "lock", path);
  struct stat info {};
  check(::fstat(fd.get(), &info), "stat", path);
  if (info.st_nlink == 0) return std::nullopt;
  return ProcessLock(std::move(fd));
}

}  // namespace hull::linux
