// SPDX-License-Identifier: Apache-2.0
#include "runtime/input_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "base/file.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"

namespace hull::runtime {

std::string rootfs_path(const std::string& directory) { return directory + "/rootfs"; }
std::string netns_path(const std::string& directory) { return directory + "/netns"; }

void mount_inputs(const std::string& directory, const Handles& handles) {
  linux::leave_namespaces(CLONE_NEWNS);
  linux::set_propagation_of_all(MS_SLAVE);
  make_directories(rootfs_path(directory), 0755);
  linux::attach_mount(handles.rootfs, rootfs_path(directory));
  if (handles.network_namespace < 0) return;
  open_file(netns_path(directory), O_CREAT | O_RDONLY, 0600);
  linux::attach_mount(linux::clone_mount(handles.network_namespace, false).get(), netns_path(directory));
}

void unmount_inputs(const std::string& directory) {
  for (const std::string& path : {rootfs_path(directory), netns_path(directory)})
    if (auto mount = open_if_exists(path, O_PATH)) linux::detach_mount(mount->get());
}

}  // namespace hull::runtime
