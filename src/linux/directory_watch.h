// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace hull::linux {

// Changes of files in any number of directories, through one descriptor; inotify(7). Thread-safe, as the kernel's calls
// are.
class DirectoryWatch {
 public:
  DirectoryWatch();                          // throws errno
  int fd() const { return inotify_.get(); }  // readable when something has changed

  // Writes, new files, renames and removals. Gives the watch's number; for the same directory the same one. Throws
  // errno.
  int add(const std::string& directory);
  void remove(int watch) noexcept;
  // The numbers of the directories in which something has changed since the last call, each once. Does not wait.
  std::vector<int> changed();

 private:
  UniqueFd inotify_;
};

}  // namespace hull::linux
