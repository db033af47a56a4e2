// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace hull::linux {

// A directory that is taken for "/" when paths are resolved: no "..", absolute or magic link leads out of it
// (openat2(2), RESOLVE_IN_ROOT), whatever a hostile image has put there. Borrows the descriptor.
class RootDir {
 public:
  explicit RootDir(int fd) : fd_(fd) {}
  int fd() const { return fd_; }

  UniqueFd open(const std::string& path, int flags, mode_t mode = 0) const;          // throws errno
  std::optional<UniqueFd> open_if_exists(const std::string& path, int flags) const;  // ENOENT, ENOTDIR: empty

  // The same for a path that leads out of the directory by no link and no "..": else Error{kInvalidArgument}.
  std::optional<UniqueFd> open_beneath(const std::string& path, int flags) const;

  // Both return an O_PATH descriptor of what is there, following links, after making what is missing
  // (directories 0755, the file 0644 and empty). ENOTDIR when a file stands where a directory has to be.
  UniqueFd make_directory(const std::string& path) const;
  UniqueFd make_file(const std::string& path) const;

  // A device node or fifo. What is there already is replaced when it is something else. `mode` with the S_IF* bits.
  void make_node(const std::string& path, mode_t mode, dev_t device, uid_t uid, gid_t gid) const;
  // Whether the last part of the path is a symbolic link.
  bool is_link(const std::string& path) const;
  // A symbolic link; what is there already stays.
  void make_link(const std::string& path, const std::string& target) const;

 private:
  int try_open(const std::string& path, int flags, mode_t mode, std::uint64_t scope) const;
  UniqueFd make_directory(const std::string& path, int links_left) const;
  int fd_;
};

// "/a//b/../c/" to "/a/c", without looking at the disk; always absolute.
std::string clean_path(std::string_view path);

}  // namespace hull::linux
