// SPDX-License-Identifier: Apache-2.0
#include "linux/procfs.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "base/file.h"

namespace hull::linux {

namespace {
constexpr ino_t kRootInode = 1;  // of every procfs
}

bool is_procfs(int fd) {
  struct statfs info {};
  return ::fstatfs(fd, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

Procfs Procfs::open_host() {
  UniqueFd root = open_file("/proc", O_PATH | O_DIRECTORY);
  struct stat info {};
  check(::fstat(root.get(), &info), "stat", "/proc");
  if (!is_procfs(root.get()) || info.st_ino != kRootInode) fail(Kind::kInternal, "/proc of this machine is no procfs");
  return Procfs(std::move(root));
}

int Procfs::try_open(const std::string& path, int flags) const {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how));
}

UniqueFd Procfs::open(const std::string& path, int flags) const {
  return UniqueFd(check(try_open(path, flags), "open", cat("/proc/", path)));
}

bool Procfs::has(const std::string& path) const { return UniqueFd(try_open(path, O_PATH)).valid(); }

}  // namespace hull::linux
