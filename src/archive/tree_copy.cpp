// SPDX-License-Identifier: Apache-2.0
#include "archive/tree_copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "archive/attributes.h"
#include "archive/source.h"
#include "base/error.h"
#include "base/file.h"

namespace hull::archive {

namespace {

struct CloseDir {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

class TreeCopy {
 public:
  TreeCopy(int to, dev_t device, bool link) : to_(to), device_(device), link_(link) {}

  // `path` is where `to` lies below the copy's root: "" or "a/b/".
  void directory(int from, int to, const std::string& path) {
    // An own description: reading must not move the caller's position, and fdopendir takes it.
    int reading = check(::openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", path);
    std::unique_ptr<DIR, CloseDir> entries(::fdopendir(reading));
    if (!entries) throw_errno("opendir", path);
    while (dirent* found = ::readdir(entries.get())) {
      std::string name = found->d_name;
      if (name != "." && name != "..") entry(from, to, name, path + name);
    }
    struct stat info {};
    check(::fstat(from, &info), "stat", path);
    metadata(to, info, read_attributes(from), path);
  }

 private:
  void entry(int from, int to, const std::string& name, const std::string& path) {
    struct stat info {};
    check(::fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW), "stat", path);
    if (info.st_dev != device_ && S_ISDIR(info.st_mode)) return;
    if (link_ && !S_ISDIR(info.st_mode)) {
      check(::linkat(from, name.c_str(), to, name.c_str(), 0), "link", path);
      return;
    }
    if (!S_ISDIR(info.st_mode) && info.st_nlink > 1) {
      auto [first, is_new] = copied_.try_emplace({info.st_dev, info.st_ino}, path);
      if (!is_new) {
        check(::linkat(to_, first->second.c_str(), to, name.c_str(), 0), "link", path);
        return;
      }
    }
    if (S_ISDIR(info.st_mode))
      subdirectory(from, to, name, path);
    else if (S_ISREG(info.st_mode))
      file(from, to, name, path, info);
    else
      other(from, to, name, path, info);
  }

  void subdirectory(int from, int to, const std::string& name, const std::string& path) {
    check(::mkdirat(to, name.c_str(), 0700), "mkdir", path);
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd source(check(::openat(from, name.c_str(), kFlags), "open", path));
    UniqueFd target(check(::openat(to, name.c_str(), kFlags), "open", path));
    directory(source.get(), target.get(), path + "/");
  }

  static void file(int from, int to, const std::string& name, const std::string& path, const struct stat& info) {
    UniqueFd source(check(::openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC), "open", path));
    UniqueFd target(
        check(::openat(to, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), "create", path));
    content(source.get(), target.get(), path);
    metadata(target.get(), info, read_attributes(source.get()), path);
  }

  static void content(int from, int to, const std::string& path) {
    while (true) {
      ssize_t copied = ::copy_file_range(from, nullptr, to, nullptr, 1 << 30, 0);
      if (copied == 0) return;
      if (copied > 0) continue;
      // Between some file systems the kernel does not do it; both positions are where it stopped.
      bool unsupported = errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS;
      if (!unsupported) throw_errno("copy", path);
      break;
    }
    std::string buffer(256 * 1024, '\0');
    Source source = file_source(from);
    while (std::size_t got = source(buffer.data(), buffer.size())) write_all(to, {buffer.data(), got});
  }

  static void other(int from, int to, const std::string& name, const std::string& path, const struct stat& info) {
    if (S_ISLNK(info.st_mode)) {
      std::string target(4096, '\0');
      ssize_t size = ::readlinkat(from, name.c_str(), target.data(), target.size());
      target.resize(static_cast<std::size_t>(check(size, "readlink", path)));
      check(::symlinkat(target.c_str(), to, name.c_str()), "symlink", path);
    } else {
      check(::mknodat(to, name.c_str(), info.st_mode, info.st_rdev), "mknod", path);
    }
    check(::fchownat(to, name.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW), "chown", path);
    if (!S_ISLNK(info.st_mode)) check(::fchmodat(to, name.c_str(), info.st_mode & 07777, 0), "chmod", path);
    write_attributes_at(to, name, read_attributes_at(from, name));
    timespec times[2] = {info.st_atim, info.st_mtim};
    check(::utimensat(to, name.c_str(), times, AT_SYMLINK_NOFOLLOW), "utimens", path);
  }

  static void metadata(int fd, const struct stat& info, const Attributes& attributes, const std::string& path) {
    check(::fchown(fd, info.st_uid, info.st_gid), "chown", path);
    check(::fchmod(fd, info.st_mode & 07777), "chmod", path);
    write_attributes(fd, attributes, path);
    timespec times[2] = {info.st_atim, info.st_mtim};
    check(::futimens(fd, times), "utimens", path);
  }

  int to_;
  dev_t device_;
  bool link_;
  std::map<std::pair<dev_t, ino_t>, std::string> copied_;  // files with several names, by their first one
};

}  // namespace

void copy_tree(int from, int to) {
  struct stat info {};
  check(::fstat(from, &info), "stat");
  TreeCopy(to, info.st_dev, false).directory(from, to, "");
}

void link_tree(const std::string& from, const std::string& to) {
  make_directories(to, 0700);
  UniqueFd source = open_file(from, O_RDONLY | O_DIRECTORY), target = open_file(to, O_RDONLY | O_DIRECTORY);
  struct stat info {};
  check(::fstat(source.get(), &info), "stat", from);
  TreeCopy(target.get(), info.st_dev, true).directory(source.get(), target.get(), "");
}

}  // namespace hull::archive
