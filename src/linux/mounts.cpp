// SPDX-License-Identifier: Apache-2.0
#include "linux/mounts.h"

#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <cstring>

#include "linux/fd_path.h"
#include "linux/mount_table.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

namespace hull::linux {

namespace {

// The messages that the kernel keeps with a file system context ("e tmpfs: Bad value for 'size'").
std::string context_log(int context) {
  std::string text;
  char line[512];
  for (ssize_t size; (size = ::read(context, line, sizeof line)) > 0;) {
    std::string_view message(line, static_cast<std::size_t>(size));
    if (message.starts_with("e ") || message.starts_with("w ")) message.remove_prefix(2);
    text += cat(text.empty() ? "" : "; ", trim(message));
  }
  return text;
}

[[noreturn]] void throw_context_error(int context, const std::string& type, std::string_view parameter, int code) {
  std::string log = context_log(context);
  std::string what = cat("mount ", type, parameter.empty() ? "" : ": option ", parameter, ": ", errno_text(code));
  throw Error(Kind::kInternal, log.empty() ? what : cat(what, " (", log, ")"), code, "mount");
}

long configure(int context, unsigned command, const char* key, const char* value) {
  return ::syscall(SYS_fsconfig, context, command, key, value, 0);
}

struct AttributeName {
  std::uint64_t attribute;
  unsigned long mount_flag, statvfs_flag;
};
constexpr AttributeName kAttributeNames[] = {
    {MOUNT_ATTR_RDONLY, MS_RDONLY, ST_RDONLY},    {MOUNT_ATTR_NOSUID, MS_NOSUID, ST_NOSUID},
    {MOUNT_ATTR_NODEV, MS_NODEV, ST_NODEV},       {MOUNT_ATTR_NOEXEC, MS_NOEXEC, ST_NOEXEC},
    {MOUNT_ATTR_NOATIME, MS_NOATIME, ST_NOATIME}, {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, ST_NODIRATIME},
    {MOUNT_ATTR_STRICTATIME, MS_STRICTATIME, 0},
};

// mount(2) for kernels without mount_setattr: a remount names all flags, so the present ones are read first.
void set_attributes_by_remount(int fd, const MountAttributes& attributes, bool recursive) {
  std::string path = cat("/proc/self/fd/", fd);
  if (attributes.propagation) {
    unsigned long flags = attributes.propagation | (recursive ? MS_REC : 0);
    check(::mount(nullptr, path.c_str(), nullptr, flags, nullptr), "mount", path);
  }
  if (attributes.set == 0 && attributes.clear == 0) return;
  if (recursive) throw_errno("mount_setattr", "recursive attributes need Linux 5.12", ENOSYS);
  struct statvfs info {};
  check(::fstatvfs(fd, &info), "statvfs", path);
  unsigned long flags = MS_REMOUNT | MS_BIND;
  for (const auto& name : kAttributeNames) {
    bool had = name.statvfs_flag && (info.f_flag & name.statvfs_flag) && !(attributes.clear & name.attribute);
    if (had || (attributes.set & name.attribute)) flags |= name.mount_flag;
  }
  check(::mount(nullptr, path.c_str(), nullptr, flags, nullptr), "remount", path);
}

}  // namespace

DetachedMount mount_filesystem(const std::string& type, const std::string& source,
                               const FilesystemParameters& parameters, std::uint64_t attributes) {
  UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, type.c_str(), 1 /* FSOPEN_CLOEXEC */)));
  if (!context) throw_errno("mount", type);
  if (!source.empty() && configure(context.get(), FSCONFIG_SET_STRING, "source", source.c_str()) < 0)
    throw_context_error(context.get(), type, "source", errno);
  for (const auto& [key, value] : parameters) {
    bool flag = value.empty();
    if (configure(context.get(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key.c_str(),
                  flag ? nullptr : value.c_str()) < 0)
      throw_context_error(context.get(), type, flag ? key : cat(key, "=", value), errno);
  }
  if (configure(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) < 0)
    throw_context_error(context.get(), type, {}, errno);
  UniqueFd made(static_cast<int>(::syscall(SYS_fsmount, context.get(), 1 /* FSMOUNT_CLOEXEC */, attributes)));
  if (!made) throw_context_error(context.get(), type, {}, errno);
  return made;
}

DetachedMount clone_mount(const std::string& path, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | O_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  return UniqueFd(static_cast<int>(check(::syscall(SYS_open_tree, AT_FDCWD, path.c_str(), flags), "open_tree", path)));
}

DetachedMount clone_mount(int fd, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  return UniqueFd(static_cast<int>(check(::syscall(SYS_open_tree, fd, "", flags), "open_tree")));
}

void attach_mount(int mount, int target) {
  check(::syscall(SYS_move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
        "move_mount");
}

void attach_mount(int mount, const std::string& target) {
  check(::syscall(SYS_move_mount, mount, "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH), "move_mount", target);
}

void set_mount_attributes(int fd, const MountAttributes& attributes, bool recursive) {
  if (attributes.empty()) return;
  mount_attr request{};
  request.attr_set = attributes.set;
  request.attr_clr = attributes.clear;
  // Setting an access time mode demands that the old one is cleared.
  if (attributes.set & MOUNT_ATTR__ATIME) request.attr_clr |= MOUNT_ATTR__ATIME;
  request.propagation = attributes.propagation;
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  if (::syscall(SYS_mount_setattr, fd, "", flags, &request, sizeof request) == 0) return;
  if (errno != ENOSYS) throw_errno("mount_setattr");
  set_attributes_by_remount(fd, attributes, recursive);
}

void set_mount_id_map(int mount, int user_namespace, bool recursive) {
  mount_attr request{};
  request.attr_set = MOUNT_ATTR_IDMAP;
  request.userns_fd = static_cast<std::uint64_t>(user_namespace);
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  check(::syscall(SYS_mount_setattr, mount, "", flags, &request, sizeof request), "mount_setattr", "idmap");
}

void set_propagation_of_all(std::uint64_t propagation) {
  check(::mount(nullptr, "/", nullptr, MS_REC | propagation, nullptr), "set propagation of", "/");
}

void pivot_root_to(int root) {
  check(::fchdir(root), "chdir", "rootfs");
  // Both names are the new root: the old one comes to lie on top of it, and is what "." finds afterwards.
  check(::syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(::umount2(".", MNT_DETACH), "umount", "the old root");
  check(::chdir("/"), "chdir", "/");
}

namespace {

// Under a root that is moved the old one stays. A whole procfs or sysfs in it, which nobody can see, would still let
// the kernel allow another one to whoever makes a user namespace: also where parts of the container's own are masked.
void drop_kernel_files_outside(const std::string& root) {
  for (const auto& line : mounts_of("self")) {
    bool whole = line.root == "/" && (line.type == "proc" || line.type == "sysfs");
    if (!whole || line.point == root || line.point.starts_with(root + "/")) continue;
    if (::umount2(line.point.c_str(), MNT_DETACH) == 0 || errno == ENOENT) continue;
    // It belongs to somebody else's user namespace, and can be covered only.
    check(::mount("tmpfs", line.point.c_str(), "tmpfs", 0, nullptr), "mount", line.point);
  }
}

}  // namespace

void move_root_to(int root) {
  drop_kernel_files_outside(fd_path(root));
  check(::fchdir(root), "chdir", "rootfs");
  check(::mount(".", "/", nullptr, MS_MOVE, nullptr), "move", "rootfs");
  change_root_to(".");
}

void change_root_to(const std::string& path) {
  check(::chroot(path.c_str()), "chroot", path);
  check(::chdir("/"), "chdir", "/");
}

void detach_mount(int mount) {
  std::string path = cat("/proc/self/fd/", mount);
  check(::umount2(path.c_str(), MNT_DETACH), "umount", path);
}

}  // namespace hull::linux
