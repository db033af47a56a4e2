// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/runtime.h"

// Programs that set a container up for us (other OCI runtimes, criu) find its root file system and its network by a
// path. Both are mounted in a mount namespace of the caller's own, so that nothing is left of them when the caller
// ends, however that happens.
namespace hull::runtime {

std::string rootfs_path(const std::string& directory);
std::string netns_path(const std::string& directory);

// Enters a mount namespace of its own, and mounts what is in `handles` on the two paths in `directory`. Throws errno.
void mount_inputs(const std::string& directory, const Handles& handles);
// Takes the mounts away again: the next run has the same writable directory, and may begin while the caller still
// serves the clients of this one. Throws errno.
void unmount_inputs(const std::string& directory);

}  // namespace hull::runtime
