// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hull::archive {

// Copies all that is in the open directory `from` into the open directory `to` (empty), and what `from` itself is
// (owner, mode, times, extended attributes) onto it: files (sharing their blocks where the file system can), hard
// links within the tree, symbolic links, devices, fifos. Nothing is followed, other mounts are not entered. Throws
// errno; what was copied until then is for the caller to remove.
void copy_tree(int from, int to);

}  // namespace hull::archive
