// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace hull::linux {

// A mount that is in no mount table (fsopen/fsmount or open_tree(CLONE)): a descriptor. It vanishes with its
// last descriptor, so there is nothing to unmount after a crash. `move_mount` into a tree attaches it.
using DetachedMount = UniqueFd;

// What is on disk as the ids 0, 1, … appears as the ids that they have in a user namespace.
struct IdMap {
  int user_namespace = -1;    // a descriptor
  unsigned uid = 0, gid = 0;  // the host's ids of its root
};

struct OverlayOptions {
  std::vector<std::string> lower;  // directories, topmost first; at least one
  std::string upper, work;         // both empty: a read-only overlay (or plain clone of a single lower)
  // Skip the flush of the whole file system when the overlay is released: for what does not have to survive
  // a power cut (--rm containers, build steps). Kernel 5.10.
  bool is_volatile = false;
  bool index = false, metacopy = false;
  // The layers are idmapped (Linux 5.19, and a file system that can). `upper` and `work` lie in one directory.
  std::optional<IdMap> id_map;
};

// A writable or read-only overlayfs, detached. Uses "lowerdir+" where the kernel has it (6.5), else one joined
// and escaped lowerdir option. Throws errno with the kernel's own log text of the fs context.
DetachedMount mount_overlay(const OverlayOptions& options);

}  // namespace hull::linux
