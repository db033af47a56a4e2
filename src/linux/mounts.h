// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "linux/detached_mount.h"

// (Not called mount.h: <sys/mount.h> would take it for the kernel's <linux/mount.h>.)
// The descriptor-based mount API (fsopen, fsmount, open_tree, move_mount, mount_setattr), with what stands in for
// mount_setattr on Linux 5.10. No path is ever resolved twice.
namespace hull::linux {

// What shall become of the flags of one mount, or of a whole tree.
struct MountAttributes {
  std::uint64_t set = 0, clear = 0;  // MOUNT_ATTR_*
  std::uint64_t propagation = 0;     // MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE; 0: stays
  bool empty() const { return set == 0 && clear == 0 && propagation == 0; }
};

// Parameters of a file system; one without a value is a flag.
using FilesystemParameters = std::vector<std::pair<std::string, std::string>>;

// A new instance of a file system. Throws errno, with what the kernel's log of the context says.
DetachedMount mount_filesystem(const std::string& type, const std::string& source,
                               const FilesystemParameters& parameters, std::uint64_t attributes = 0);

// A copy of the mount at `path` (of the tree of mounts, when recursive).
DetachedMount clone_mount(const std::string& path, bool recursive);
// The same of what a descriptor stands for.
DetachedMount clone_mount(int fd, bool recursive);

// Attaches a detached mount on top of what `target` stands for.
void attach_mount(int mount, int target);
void attach_mount(int mount, const std::string& target);

// Takes away what was attached, by a descriptor of it; it may be in use.
void detach_mount(int mount);

// Works on attached mounts only where the kernel lacks mount_setattr (before 5.12), and then not recursively for
// anything but propagation (ENOSYS).
void set_mount_attributes(int mount, const MountAttributes& attributes, bool recursive = false);
// Ids on disk appear as those of the user namespace. Detached mounts only; Linux 5.12.
void set_mount_id_map(int mount, int user_namespace, bool recursive);

// The propagation of every mount that the calling process sees.
void set_propagation_of_all(std::uint64_t propagation);

// `root` becomes "/", and what was "/" goes away with everything that was mounted in it.
void pivot_root_to(int root);
// For root file systems that cannot be pivoted to (initramfs): moves `root` over "/" and enters it.
void move_root_to(int root);
// chroot(2), for containers in a mount namespace that they share.
void change_root_to(const std::string& path);

}  // namespace hull::linux
