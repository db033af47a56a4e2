// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

// Files and directories of hull's own trees (data root, exec root, /proc, /sys). Paths inside a container's
// root filesystem are never opened by these: use linux/root_dir.h there.
namespace hull {

// open(2) with O_CLOEXEC. Throws errno with the path.
UniqueFd open_file(const std::string& path, int flags, mode_t mode = 0);
// The same, but empty instead of an error when there is no such file (ENOENT, ENOTDIR).
std::optional<UniqueFd> open_if_exists(const std::string& path, int flags);

std::string read_file(const std::string& path);                      // throws errno
std::optional<std::string> read_if_exists(const std::string& path);  // ENOENT: empty
std::string read_all(int fd);                                        // up to end of file
void write_all(int fd, std::string_view data);                       // throws errno

enum class Durability : unsigned char {
  kProcessCrash,  // whole or not at all for whoever reads it, while the machine is up: temporary, rename
  kPowerLoss,     // and after a power cut: fsync of the file and of its directory as well
};
// The only way that state reaches a file: written beside it, renamed over it.
void write_file_atomically(const std::string& path, std::string_view data, mode_t mode = 0644,
                           Durability durability = Durability::kPowerLoss);

bool exists(const std::string& path);  // of the name itself: a dangling symbolic link exists
void make_directories(const std::string& path, mode_t mode = 0755);  // mkdir -p; idempotent
// rm -rf that never follows a symbolic link and never crosses into another mount. Idempotent: what is not
// there is removed. Throws errno for what cannot be.
void remove_tree(const std::string& path);
std::vector<std::string> list_directory(const std::string& path);  // names, sorted, without . and ..; ENOENT: none

// An exclusive flock(2) on `path` (created when missing), held until destruction.
class FileLock {
 public:
  // Empty when another process holds it.
  static std::optional<FileLock> try_acquire(const std::string& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// A fresh directory under `parent`, removed with all that is in it by the destructor.
class TempDir {
 public:
  explicit TempDir(const std::string& parent = "/tmp", std::string_view prefix = "hull-");
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&&) = delete;
  ~TempDir();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace hull
