// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace hull::linux {

// Tells whether two names, or a name and a descriptor, are the same file.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};
FileIdentity identity_of(int fd);                                  // throws errno
std::optional<FileIdentity> identity_of(const std::string& path);  // empty when there is no such file
std::int64_t size_of(int fd);                                      // bytes; throws errno

struct FileOwner {
  std::uint32_t uid = 0, gid = 0;
};
FileOwner owner_of(const std::string& path);  // follows links; throws errno

// Bytes at an offset, fewer at the end of the file, retried after signals. Throws errno.
std::size_t read_at(int fd, char* buffer, std::size_t size, std::int64_t offset);

// A text that changes when the file is written or replaced (size, time of the last change). Throws errno.
std::string file_version(const std::string& path);

}  // namespace hull::linux
