// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::archive {

// Copies all that is in the open directory `from` into the open directory `to` (empty), and what `from` itself is
// (owner, mode, times, extended attributes) onto it: files (sharing their blocks where the file system can), hard
// links within the tree, symbolic links, devices, fifos. Nothing is followed, other mounts are not entered. Throws
// errno; what was copied until then is for the caller to remove.
void copy_tree(int from, int to);

// A second directory of the same files: directories are made as copy_tree() does it, everything else gets another name
// (link(2)). For trees that nobody changes any more: a change would show in both. `to` is made. Throws errno, for
// instance EMLINK for a file that has all the names that its file system allows.
void link_tree(const std::string& from, const std::string& to);

}  // namespace hull::archive
