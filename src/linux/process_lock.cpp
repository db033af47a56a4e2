// SPDX-License-Identifier: Apache-2.0
#include "linux/process_lock.h"

#include <sys/stat.h>

#include "base/file.h"

namespace hull::linux {

namespace {

// False: somebody else has it.
bool lock_byte(int fd, ProcessLock::Part part, ProcessLock::Wait wait) {
  struct flock byte {};
  byte.l_type = F_WRLCK;
  byte.l_start = static_cast<off_t>(part);
  byte.l_len = 1;
  int result;
  do result = ::fcntl(fd, wait == ProcessLock::Wait::kYes ? F_SETLKW : F_SETLK, &byte);
  while (result < 0 && errno == EINTR);
  if (result < 0 && (errno == EAGAIN || errno == EACCES)) return false;
  check(result, "lock");
  return true;
}

}  // namespace

std::optional<ProcessLock> ProcessLock::take(const std::string& path, Wait wait, Part part) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd && errno == ENOENT) return std::nullopt;
  check(fd.get(), "open", path);
  if (!lock_byte(fd.get(), part, wait)) return std::nullopt;
  struct stat info {};
  check(::fstat(fd.get(), &info), "stat", path);
  if (info.st_nlink == 0) return std::nullopt;
  return ProcessLock(std::move(fd));
}

void ProcessLock::extend(Part part) const { lock_byte(fd_.get(), part, Wait::kYes); }

}  // namespace hull::linux
