// SPDX-License-Identifier: Apache-2.0
#include "registry_server/times.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"

namespace hull::registry_server {

std::int64_t claimed_at(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) < 0) return 0;
  return info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec;
}

bool is_fresh(const std::string& path) {
  std::int64_t time = claimed_at(path), present = now().nanoseconds;
  return time > present - kFreshness && time <= present + kFreshness;
}

bool freshen(const std::string& path) {
  if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  throw_errno("set the time of", path);
}

}  // namespace hull::registry_server
