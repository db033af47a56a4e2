// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "linux/detached_mount.h"
#include "linux/mount_options.h"

namespace hull::linux {

// A tree of mounts as somebody else sees it, or as nobody does yet. `root` (O_PATH) is its top directory: paths are
// resolved in it with openat2(RESOLVE_IN_ROOT). The mounts stay as long as both descriptors are open; there is
// nothing to unmount.
struct MountView {
  UniqueFd root;
  UniqueFd mount_namespace;
};

// Runs `work` on a thread of its own, which may unshare, enter other namespaces, and lose its root: nothing of that
// reaches the calling thread. Waits for it; what it throws is thrown here.
void on_own_thread(const std::function<void()>& work);

// What the process behind `pidfd` (with that pid) has mounted. Throws errno; ESRCH when it has ended.
MountView view_of_process(pid_t pid, int pidfd);

// The root file system of that process alone, without the mounts in it, as a detached mount.
DetachedMount clone_root_of_process(pid_t pid, int pidfd);

// A mount that goes into a view: a copy of `source` (a host path), mounted at `target` inside.
struct ViewMount {
  std::string source, target;
  MountOptions options;
};
// `root` with `mounts` in it (in this order), in a mount namespace that has nothing else and no process. Places to
// mount on that are missing are made in `root`; sources that are missing are left out. `read_only`: the root itself.
MountView assemble_view(DetachedMount root, const std::vector<ViewMount>& mounts, bool read_only);

}  // namespace hull::linux
