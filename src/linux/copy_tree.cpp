// SPDX-License-Identifier: Apache-2.0
#include "linux/copy_tree.h"

#include <dirent.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <memory>
#include <string>

#include "base/unique_fd.h"

namespace hull::linux {

namespace {

struct Entry {
  int from, to;  // directories
  const std::string& name;
  const struct stat& info;
};

UniqueFd open_in(int directory, const std::string& name, int flags, mode_t mode = 0) {
  return UniqueFd(check(::openat(directory, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode), "open", name));
}

void copy_attributes(int from, int to, const std::string& name) {
  ssize_t size = ::flistxattr(from, nullptr, 0);
  if (size <= 0) return;
  std::string names(static_cast<std::size_t>(size), '\0');
  size = check(::flistxattr(from, names.data(), names.size()), "list attributes of", name);
  for (std::string_view attribute : split(std::string_view(names).substr(0, static_cast<std::size_t>(size)), '\0')) {
    if (attribute.empty()) continue;
    std::string key(attribute), value(XATTR_SIZE_MAX, '\0');
    ssize_t length = ::fgetxattr(from, key.c_str(), value.data(), value.size());
    // A tmpfs has no room for those of users on older kernels, and security modules label by themselves.
    if (length >= 0) ::fsetxattr(to, key.c_str(), value.data(), static_cast<std::size_t>(length), 0);
  }
}

void copy_owner_and_times(const Entry& entry) {
  const struct stat& info = entry.info;
  const char* name = entry.name.c_str();
  check(::fchownat(entry.to, name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW), "chown", entry.name);
  // After the owner, whose change takes set-user-id away.
  if (!S_ISLNK(info.st_mode)) check(::fchmodat(entry.to, name, info.st_mode & 07777, 0), "chmod", entry.name);
  const timespec times[2] = {info.st_atim, info.st_mtim};
  check(::utimensat(entry.to, name, times, AT_SYMLINK_NOFOLLOW), "set the times of", entry.name);
}

void copy_file(const Entry& entry) {
  UniqueFd source = open_in(entry.from, entry.name, O_RDONLY);
  UniqueFd target = open_in(entry.to, entry.name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  constexpr std::size_t kPortion = 1 << 30;
  while (check(::sendfile(target.get(), source.get(), nullptr, kPortion), "copy", entry.name) > 0) continue;
  copy_attributes(source.get(), target.get(), entry.name);
}

void copy_link(const Entry& entry) {
  char target[PATH_MAX];
  auto size = check(::readlinkat(entry.from, entry.name.c_str(), target, sizeof target - 1), "readlink", entry.name);
  target[size] = '\0';
  check(::symlinkat(target, entry.to, entry.name.c_str()), "symlink", entry.name);
}

void copy_directory(const Entry& entry) {
  UniqueFd source = open_in(entry.from, entry.name, O_RDONLY | O_DIRECTORY);
  check(::mkdirat(entry.to, entry.name.c_str(), 0700), "mkdir", entry.name);
  UniqueFd target = open_in(entry.to, entry.name, O_RDONLY | O_DIRECTORY);
  copy_attributes(source.get(), target.get(), entry.name);
  struct stat inside {};
  check(::fstat(source.get(), &inside), "stat", entry.name);
  if (inside.st_dev == entry.info.st_dev) copy_tree(source.get(), target.get());
}

void copy_entry(const Entry& entry) {
  mode_t mode = entry.info.st_mode;
  if (S_ISREG(mode)) {
    copy_file(entry);
  } else if (S_ISDIR(mode)) {
    copy_directory(entry);
  } else if (S_ISLNK(mode)) {
    copy_link(entry);
  } else if (S_ISSOCK(mode)) {
    return;  // means nothing without the process behind it
  } else {
    check(::mknodat(entry.to, entry.name.c_str(), mode & (S_IFMT | 0700), entry.info.st_rdev), "mknod", entry.name);
  }
  copy_owner_and_times(entry);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

void copy_tree(int from, int to) {
  UniqueFd readable(check(::openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", "directory"));
  std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(readable.get()));
  if (!directory) throw_errno("open", "directory");
  int number = readable.release();  // the DIR's from here on
  while (const dirent* found = ::readdir(directory.get())) {
    std::string name = found->d_name;
    if (name == "." || name == "..") continue;
    struct stat info {};
    check(::fstatat(number, name.c_str(), &info, AT_SYMLINK_NOFOLLOW), "stat", name);
    copy_entry({number, to, name, info});
  }
}

void own_directory(int directory, uid_t uid, gid_t gid) {
  check(::fchownat(directory, "", uid, gid, AT_EMPTY_PATH), "chown", "directory");
}

}  // namespace hull::linux
