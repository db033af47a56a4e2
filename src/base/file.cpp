// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "base/id.h"
#include "base/log.h"

namespace hull {

namespace {

std::string parent_of(const std::string& path) {
  auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Directory = std::unique_ptr<DIR, CloseDir>;

Directory open_directory_at(int parent, const char* name) {
  int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return nullptr;
  return Directory(::fdopendir(fd));
}

bool is_dot(const char* name) { return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])); }

// Removes one name below `parent`. Recursion is bounded by the depth of the tree; every level holds one fd.
void remove_at(int parent, const char* name, const std::string& shown) {
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM) throw_errno("remove", shown);
  constexpr int kAttempts = 100;  // somebody may make a file while we look
  for (int attempt = 1;; ++attempt) {
    if (auto dir = open_directory_at(parent, name)) {
      while (dirent* entry = ::readdir(dir.get()))
        if (!is_dot(entry->d_name)) remove_at(::dirfd(dir.get()), entry->d_name, cat(shown, "/", entry->d_name));
    }
    if (::unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return;
    if (errno != ENOTEMPTY || attempt == kAttempts) throw_errno("remove", shown);
  }
}

}  // namespace

UniqueFd open_file(const std::string& path, int flags, mode_t mode) {
  return UniqueFd(check(::open(path.c_str(), flags | O_CLOEXEC, mode), "open", path));
}

std::optional<UniqueFd> open_if_exists(const std::string& path, int flags) {
  int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  return UniqueFd(check(fd, "open", path));
}

std::string read_all(int fd) {
  std::string data;
  for (std::size_t room = 4096;; room *= 2) {
    std::size_t had = data.size();
    data.resize(had + room);
    ssize_t got = check(::read(fd, data.data() + had, room), "read");
    data.resize(had + static_cast<std::size_t>(got));
    if (got == 0) return data;
    if (room > (1 << 20)) room = 1 << 20;
  }
}

std::string read_file(const std::string& path) {
  UniqueFd fd = open_file(path, O_RDONLY);
  try {
    return read_all(fd.get());
  } catch (const Error& e) {
    throw_errno("read", path, e.code());
  }
}

std::optional<std::string> read_if_exists(const std::string& path) {
  auto fd = open_if_exists(path, O_RDONLY);
  if (!fd) return std::nullopt;
  return read_all(fd->get());
}

void write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    ssize_t put = ::write(fd, data.data(), data.size());
    if (put < 0 && errno == EINTR) continue;
    data.remove_prefix(static_cast<std::size_t>(check(put, "write")));
  }
}

void write_file_atomically(const std::string& path, std::string_view data, mode_t mode, Durability durability) {
  std::string temporary = cat(path, ".", random_hex(6), ".tmp");
  try {
    UniqueFd fd = open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
    write_all(fd.get(), data);
    if (durability == Durability::kPowerLoss) check(::fsync(fd.get()), "fsync", temporary);
    check(::rename(temporary.c_str(), path.c_str()), "rename", path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (durability == Durability::kPowerLoss) {
    UniqueFd directory = open_file(parent_of(path), O_RDONLY | O_DIRECTORY);
    check(::fsync(directory.get()), "fsync", parent_of(path));
  }
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

void make_directories(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return;
  if (errno == ENOENT) {
    make_directories(parent_of(path), mode);
    if (::mkdir(path.c_str(), mode) == 0) return;
  }
  int code = errno;
  struct stat info {};
  if (code == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return;
  throw_errno("mkdir", path, code);
}

void remove_tree(const std::string& path) { remove_at(AT_FDCWD, path.c_str(), path); }

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  Directory dir(::opendir(path.c_str()));
  if (!dir) {
    if (errno == ENOENT) return names;
    throw_errno("opendir", path);
  }
  while (dirent* entry = ::readdir(dir.get()))
    if (!is_dot(entry->d_name)) names.emplace_back(entry->d_name);
  std::ranges::sort(names);
  return names;
}

std::optional<FileLock> FileLock::try_acquire(const std::string& path) {
  UniqueFd fd = open_file(path, O_RDWR | O_CREAT, 0600);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(fd));
  if (errno == EWOULDBLOCK) return std::nullopt;
  throw_errno("flock", path);
}

TempDir::TempDir(const std::string& parent, std::string_view prefix) : path_(cat(parent, "/", prefix, "XXXXXX")) {
  if (!::mkdtemp(path_.data())) throw_errno("mkdtemp", path_);
}

TempDir::~TempDir() {
  if (path_.empty()) return;
  try {
    remove_tree(path_);
  } catch (const Error& e) {
    log::warn(e.message());
  }
}

}  // namespace hull
