// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hull::linux {

// One line of a process's mount table; proc(5), /proc/<pid>/mountinfo.
struct MountLine {
  unsigned id = 0;
  std::string device, root, point, type;  // device: "0:45"
};
// Of a process by its number, or "self". Throws errno.
std::vector<MountLine> mounts_of(const std::string& process);

// The mount of this process's namespace that a path is on.
struct MountEntry {
  std::string point;
  bool shared = false, slave = false;  // propagation, see mount_namespaces(7)
};
// Follows symbolic links. Throws errno when `path` does not exist.
MountEntry mount_of(const std::string& path);

// A tmpfs of at most `size` bytes on the directory `path`, for what containers share; nosuid, nodev, noexec and
// with the mode of /tmp. Nothing when `path` is a mount point already.
void mount_shared_tmpfs(const std::string& path, std::int64_t size);
// Takes the mount on `path` away, even when it is in use. Idempotent.
void unmount_lazily(const std::string& path);

}  // namespace hull::linux
