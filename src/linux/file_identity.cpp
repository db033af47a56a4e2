// SPDX-License-Identifier: Apache-2.0
#include "linux/file_identity.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace hull::linux {

namespace {

struct stat status_of(int fd) {
  struct stat status {};
  check(::fstat(fd, &status), "fstat");
  return status;
}

}  // namespace

FileIdentity identity_of(int fd) {
  struct stat status = status_of(fd);
  return {status.st_dev, status.st_ino};
}

std::optional<FileIdentity> identity_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw_errno("stat", path);
  }
  return FileIdentity{status.st_dev, status.st_ino};
}

std::int64_t size_of(int fd) { return status_of(fd).st_size; }

FileOwner owner_of(const std::string& path) {
  struct stat info {};
  check(::stat(path.c_str(), &info), "stat", path);
  return {info.st_uid, info.st_gid};
}

std::size_t read_at(int fd, char* buffer, std::size_t size, std::int64_t offset) {
  for (;;) {
    ssize_t got = ::pread(fd, buffer, size, offset);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw_errno("pread");
  }
}

std::string file_version(const std::string& path) {
  struct stat status {};
  check(::stat(path.c_str(), &status), "stat", path);
  return cat(status.st_size, ".", status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec);
}

}  // namespace hull::linux
