// SPDX-License-Identifier: Apache-2.0
#include "linux/mount_view.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <exception>
#include <thread>

#include "base/file.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"
#include "linux/root_dir.h"

namespace hull::linux {

namespace {

// The name in /proc is right only as long as the process is there: asked after the opening.
UniqueFd mount_namespace_of(pid_t pid, int pidfd) {
  UniqueFd opened = open_namespace(cat("/proc/", pid, "/ns/mnt"), CLONE_NEWNS);
  pollfd end{pidfd, POLLIN, 0};
  if (::poll(&end, 1, 0) != 0) throw_errno("open the mount namespace of", cat(pid), ESRCH);
  return opened;
}

// setns(2) into a mount namespace is refused while the file system context is shared with other threads.
void enter_mount_namespace(int mount_namespace) {
  leave_namespaces(CLONE_FS);
  enter_namespace(mount_namespace, CLONE_NEWNS);
}

UniqueFd open_root() { return open_file("/", O_PATH | O_DIRECTORY); }

struct Prepared {
  UniqueFd mount;
  const ViewMount* wanted;
  bool is_directory;
};

std::vector<Prepared> prepare(const std::vector<ViewMount>& mounts) {
  std::vector<Prepared> prepared;
  for (const ViewMount& wanted : mounts) {
    struct stat info {};
    if (::stat(wanted.source.c_str(), &info) < 0) continue;
    prepared.push_back({clone_mount(wanted.source, wanted.options.recursive), &wanted, S_ISDIR(info.st_mode)});
  }
  return prepared;
}

void attach(const RootDir& root, const Prepared& prepared) {
  const ViewMount& wanted = *prepared.wanted;
  UniqueFd target = prepared.is_directory ? root.make_directory(wanted.target) : root.make_file(wanted.target);
  // Nothing that is mounted or unmounted here may show on the host.
  set_mount_attributes(prepared.mount.get(), {0, 0, MS_PRIVATE}, true);
  attach_mount(prepared.mount.get(), target.get());
  set_mount_attributes(prepared.mount.get(), {wanted.options.attributes.set, wanted.options.attributes.clear, 0});
  set_mount_attributes(prepared.mount.get(), {wanted.options.tree.set, wanted.options.tree.clear, 0}, true);
}

}  // namespace

void on_own_thread(const std::function<void()>& work) {
  std::exception_ptr failure;
  std::thread([&] {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

MountView view_of_process(pid_t pid, int pidfd) {
  MountView view;
  view.mount_namespace = mount_namespace_of(pid, pidfd);
  on_own_thread([&] {
    enter_mount_namespace(view.mount_namespace.get());
    view.root = open_root();
  });
  return view;
}

DetachedMount clone_root_of_process(pid_t pid, int pidfd) {
  UniqueFd mount_namespace = mount_namespace_of(pid, pidfd);
  DetachedMount root;
  on_own_thread([&] {
    enter_mount_namespace(mount_namespace.get());
    root = clone_mount("/", false);
  });
  return root;
}

MountView assemble_view(DetachedMount root, const std::vector<ViewMount>& mounts, bool read_only) {
  MountView view;
  std::vector<Prepared> prepared = prepare(mounts);
  on_own_thread([&] {
    leave_namespaces(CLONE_NEWNS);
    set_propagation_of_all(MS_SLAVE);
    view.mount_namespace = open_file("/proc/thread-self/ns/mnt", O_RDONLY);
    attach_mount(root.get(), "/");
    set_mount_attributes(root.get(), {0, 0, MS_PRIVATE});
    RootDir inside(root.get());
    for (const Prepared& one : prepared) attach(inside, one);
    if (read_only) set_mount_attributes(root.get(), {MOUNT_ATTR_RDONLY, 0, 0});
    pivot_root_to(root.get());
  });
  view.root = std::move(root);
  return view;
}

}  // namespace hull::linux
