// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace hull::linux {

// The host's /proc, held by a descriptor. Whoever enters a container opens it first: the /proc that is there is the
// container's to replace, and what is written to a file of that name (a security label, an OOM score) could go
// anywhere.
class Procfs {
 public:
  // Throws Error{kInternal} when /proc is not the root of a procfs.
  static Procfs open_host();

  // A file below it, by a path like "self/attr/exec", which must not leave the procfs or pass through something that is
  // mounted in it. Throws errno.
  UniqueFd open(const std::string& path, int flags) const;
  bool has(const std::string& path) const;

 private:
  explicit Procfs(UniqueFd root) : root_(std::move(root)) {}
  int try_open(const std::string& path, int flags) const;
  UniqueFd root_;
};

// Whether a descriptor is in a procfs; its kind is otherwise of no interest.
bool is_procfs(int fd);

}  // namespace hull::linux
