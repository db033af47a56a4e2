// SPDX-License-Identifier: Apache-2.0
#include "linux/root_dir.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <climits>
#include <vector>

namespace hull::linux {

namespace {

struct Split {
  std::string parent, name;
};
Split split_path(const std::string& path) {
  std::string clean = clean_path(path);
  auto slash = clean.rfind('/');
  return {slash == 0 ? "/" : clean.substr(0, slash), clean.substr(slash + 1)};
}

std::string read_link(int parent, const std::string& name) {
  char target[PATH_MAX];
  ssize_t size = ::readlinkat(parent, name.c_str(), target, sizeof target);
  return size < 0 ? std::string() : std::string(target, static_cast<std::size_t>(size));
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> kept;
  for (auto part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      kept.push_back(part);
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  std::string clean;
  for (auto part : kept) clean += cat("/", part);
  return clean.empty() ? "/" : clean;
}

int RootDir::try_open(const std::string& path, int flags, mode_t mode, std::uint64_t scope) const {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = scope | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: something was renamed during the walk, and the kernel could not rule out an escape.
  for (int tries = 0;; ++tries) {
    long fd = ::syscall(SYS_openat2, fd_, path.empty() ? "/" : path.c_str(), &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN || tries == 64) return static_cast<int>(fd);
  }
}

UniqueFd RootDir::open(const std::string& path, int flags, mode_t mode) const {
  return UniqueFd(check(try_open(path, flags, mode, RESOLVE_IN_ROOT), "open", path));
}

std::optional<UniqueFd> RootDir::open_beneath(const std::string& path, int flags) const {
  int fd = try_open(path, flags, 0, RESOLVE_BENEATH);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (fd < 0 && errno == EXDEV) fail_invalid("path concatenation escapes the base directory, subpath: ", path);
  return UniqueFd(check(fd, "open", path));
}

std::optional<UniqueFd> RootDir::open_if_exists(const std::string& path, int flags) const {
  int fd = try_open(path, flags, 0, RESOLVE_IN_ROOT);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  return UniqueFd(check(fd, "open", path));
}

UniqueFd RootDir::make_directory(const std::string& path) const { return make_directory(path, 40); }

UniqueFd RootDir::make_directory(const std::string& path, int links_left) const {
  int there = try_open(path, O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT);
  if (there >= 0) return UniqueFd(there);
  if (errno != ENOENT) throw_errno("mkdir", path);
  if (links_left == 0) throw_errno("mkdir", path, ELOOP);
  auto [parent, name] = split_path(path);
  UniqueFd above = make_directory(parent, links_left);
  if (::mkdirat(above.get(), name.c_str(), 0755) == 0)
    return UniqueFd(
        check(::openat(above.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "open", path));
  if (errno != EEXIST) throw_errno("mkdir", path);
  // There is the name, but opening it said ENOENT: a dangling link. What it points to gets made, inside the root.
  std::string target = read_link(above.get(), name);
  if (target.empty()) throw_errno("mkdir", path, EEXIST);
  return make_directory(target.front() == '/' ? target : cat(parent, "/", target), links_left - 1);
}

UniqueFd RootDir::make_file(const std::string& path) const {
  int there = try_open(path, O_PATH, 0, RESOLVE_IN_ROOT);
  if (there >= 0) return UniqueFd(there);
  if (errno != ENOENT) throw_errno("open", path);
  auto [parent, name] = split_path(path);
  UniqueFd above = make_directory(parent);
  UniqueFd made(::openat(above.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!made && errno == EEXIST)
    return UniqueFd(check(try_open(path, O_RDONLY | O_CREAT | O_NONBLOCK, 0644, RESOLVE_IN_ROOT), "create", path));
  check(made.get(), "create", path);
  return UniqueFd(check(::openat(above.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC), "open", path));
}

void RootDir::make_node(const std::string& path, mode_t mode, dev_t device, uid_t uid, gid_t gid) const {
  auto [parent, name] = split_path(path);
  UniqueFd above = make_directory(parent);
  if (::mknodat(above.get(), name.c_str(), mode, device) < 0) {
    if (errno != EEXIST) throw_errno("mknod", path);
    struct stat info {};
    check(::fstatat(above.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW), "stat", path);
    if ((info.st_mode & S_IFMT) != (mode & S_IFMT) || info.st_rdev != device) {
      check(::unlinkat(above.get(), name.c_str(), 0), "replace", path);
      check(::mknodat(above.get(), name.c_str(), mode, device), "mknod", path);
    }
  }
  if (uid != 0 || gid != 0) check(::fchownat(above.get(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW), "chown", path);
}

bool RootDir::is_link(const std::string& path) const {
  UniqueFd there(try_open(path, O_PATH | O_NOFOLLOW, 0, RESOLVE_IN_ROOT));
  struct stat info {};
  return there && ::fstat(there.get(), &info) == 0 && S_ISLNK(info.st_mode);
}

void RootDir::make_link(const std::string& path, const std::string& target) const {
  auto [parent, name] = split_path(path);
  UniqueFd above = make_directory(parent);
  if (::symlinkat(target.c_str(), above.get(), name.c_str()) < 0 && errno != EEXIST) throw_errno("symlink", path);
}

}  // namespace hull::linux
