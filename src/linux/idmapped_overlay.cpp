// SPDX-License-Identifier: Apache-2.0
#include "linux/idmapped_overlay.h"

#include <sched.h>
#include <sys/mount.h>

#include <atomic>
#include <exception>
#include <thread>

#include "linux/file_system_ids.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"

// An overlay whose files belong to the ids of a user namespace although the ids on disk are the image's own: every
// layer is cloned as a mount of its own, and that one is idmapped. The clones are detached, so nothing of them is in a
// mount table. Linux before 6.15 takes only layers that are mounted somewhere: there a thread with a mount namespace
// of its own lays each clone over its original, and takes the namespace along when it ends.
namespace hull::linux {

namespace {

struct Layer {
  std::string directory;
  DetachedMount mount;
};

Layer mapped(const std::string& directory, int user_namespace) {
  Layer layer{directory, clone_mount(directory, false)};
  try {
    set_mount_id_map(layer.mount.get(), user_namespace, false);
  } catch (const Error& e) {
    if (e.code() != EINVAL && e.code() != ENOSYS && e.code() != EPERM) throw;
    fail_invalid(
        "a user namespace for this container needs Linux 5.19 and a data root on a file system with idmapped "
        "mounts (ext4, xfs, btrfs, tmpfs): ",
        directory, ": ", errno_text(e.code()));
  }
  return layer;
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string name_of(const std::string& path) { return path.substr(path.rfind('/')); }

std::string descriptor_path(const Layer& layer) { return cat("/proc/self/fd/", layer.mount.get()); }

// The overlay's own files belong to whoever mounts it, who has to have an id in the layers.
DetachedMount mount_as_mapped_root(OverlayOptions options) {
  ScopedFileSystemIds root(options.id_map->uid, options.id_map->gid);
  options.id_map.reset();
  return mount_overlay(options);
}

DetachedMount mount_over_detached(OverlayOptions options, const std::vector<Layer>& lower, const Layer& writable) {
  options.lower.clear();
  for (const Layer& layer : lower) options.lower.push_back(descriptor_path(layer));
  if (writable.mount) {
    options.upper = descriptor_path(writable) + name_of(options.upper);
    options.work = descriptor_path(writable) + name_of(options.work);
  }
  return mount_as_mapped_root(std::move(options));
}

void enter_own_mount_namespace() {
  leave_namespaces(CLONE_FS);
  leave_namespaces(CLONE_NEWNS);
  set_propagation_of_all(MS_PRIVATE);
}

DetachedMount mount_over_attached(const OverlayOptions& options, const std::vector<Layer>& lower,
                                  const Layer& writable) {
  DetachedMount made;
  std::exception_ptr error;
  std::thread([&] {
    try {
      enter_own_mount_namespace();
      for (const Layer& layer : lower) attach_mount(layer.mount.get(), layer.directory);
      if (writable.mount) attach_mount(writable.mount.get(), writable.directory);
      made = mount_as_mapped_root(options);
    } catch (...) {
      error = std::current_exception();
    }
  }).join();
  if (error) std::rethrow_exception(error);
  return made;
}

}  // namespace

DetachedMount mount_idmapped_overlay(const OverlayOptions& options) {
  int users = options.id_map->user_namespace;
  std::vector<Layer> lower;
  for (const auto& directory : options.lower) lower.push_back(mapped(directory, users));
  Layer writable;
  if (!options.upper.empty()) writable = mapped(parent_of(options.upper), users);
  if (!writable.mount && lower.size() == 1) return std::move(lower.front().mount);
  // Tried once per process: the kernel does not change under us.
  static std::atomic<bool> takes_detached_layers = true;
  if (takes_detached_layers) {
    try {
      return mount_over_detached(options, lower, writable);
    } catch (const Error& e) {
      if (e.code() != EINVAL) throw;
    }
  }
  DetachedMount made = mount_over_attached(options, lower, writable);
  takes_detached_layers = false;
  return made;
}

}  // namespace hull::linux
