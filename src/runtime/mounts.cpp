// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>

#include "linux/copy_tree.h"
#include "linux/lsm.h"
#include "linux/procfs.h"
#include "runtime/init.h"

namespace hull::runtime {

namespace {

std::string octal(mode_t mode) {
  std::string digits;
  for (; mode; mode >>= 3) digits.insert(digits.begin(), static_cast<char>('0' + (mode & 7)));
  return digits;
}

// SELinux: the files of the container's own file systems get its label (not those whose labels the kernel keeps).
void add_mount_label(InitContext& context, const std::string& type, linux::FilesystemParameters& parameters) {
  const auto& label = context.plan.config.linux.mount_label;
  if (label.empty() || type == "proc" || type == "sysfs" || !linux::selinux_enabled()) return;
  parameters.emplace_back("context", label);
}

// `mode`: of its root, 0: the file system's own choice.
linux::DetachedMount make_filesystem(InitContext& context, const PreparedMount& mount, mode_t mode = 0) {
  const auto& type = mount.config.type;
  auto parameters = mount.options.parameters;
  if (mode) parameters.emplace_back("mode", octal(mode));
  add_mount_label(context, type, parameters);
  // A tmpfs gets read-only last: other mounts, devices and hooks may need something in it.
  std::uint64_t attributes = mount.options.attributes.set;
  if (type == "tmpfs") attributes &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
  try {
    return linux::mount_filesystem(type, mount.config.source, parameters, attributes);
  } catch (const Error& e) {
    // A user namespace that does not own the network namespace may not mount sysfs, but bind the host's.
    if (type != "sysfs" || e.code() != EPERM) throw;
    auto bound = linux::clone_mount("/sys", true);
    linux::set_mount_attributes(bound.get(), {attributes, 0, 0});
    return bound;
  }
}

// Where programs look for the kernel's word nothing else may stand: what is in /proc would be somebody else's. A few
// files are there to be covered (LXCFS).
constexpr std::string_view kCoverable[] = {
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/net/dev",
    "/proc/slabinfo",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
};

UniqueFd target_directory(InitContext& context, const PreparedMount& mount) {
  const auto& path = mount.config.destination;
  const auto& type = mount.config.type;
  // A link would lead the kernel's own files to where they are not expected, and what hides parts of them with it.
  if ((type == "proc" || type == "sysfs") && context.root.is_link(path))
    fail_invalid("a file system of type ", type, " must be mounted on a directory, and ", path, " is a symbolic link");
  UniqueFd target = context.root.make_directory(path);
  check_target(mount, mount.source ? mount.source.get() : -1, target.get());
  return target;
}

// Only of what is attached can a part be copied: the whole is mounted over the container's /proc for a
// moment, where nobody looks yet.
void mount_part(InitContext& context, const PreparedMount& mount) {
  UniqueFd whole_at = context.root.make_directory("/proc");
  linux::attach_mount(mount.source.get(), whole_at.get());
  auto inside = linux::RootDir(mount.source.get()).open_beneath(mount.subpath, O_PATH);
  if (!inside)
    fail_invalid("cannot access path ", mount.subpath, ": no such file or directory in the image that is mounted at ",
                 mount.config.destination);
  auto part = linux::clone_mount(inside->get(), false);
  struct stat info {};
  check(::fstat(inside->get(), &info), "stat", mount.subpath);
  linux::detach_mount(mount.source.get());
  const auto& path = mount.config.destination;
  UniqueFd target = S_ISDIR(info.st_mode) ? context.root.make_directory(path) : context.root.make_file(path);
  check_target(mount, part.get(), target.get());
  attach_with_options(part.get(), target.get(), mount.options);
}

void mount_bound(InitContext& context, const PreparedMount& mount) {
  const auto& path = mount.config.destination;
  linux::DetachedMount own;
  if (!mount.source) own = linux::clone_mount(host_path(context.plan, mount.config.source), mount.options.recursive);
  int source = own ? own.get() : mount.source.get();
  struct stat info {};
  check(::fstat(source, &info), "stat", mount.config.source);
  UniqueFd target = S_ISDIR(info.st_mode) ? context.root.make_directory(path) : context.root.make_file(path);
  check_target(mount, source, target.get());
  attach_with_options(source, target.get(), mount.options);
}

// A tmpfs over a directory has its mode unless another one is asked for, and with tmpcopyup its files as well.
linux::DetachedMount make_tmpfs(InitContext& context, const PreparedMount& mount) {
  auto covered = context.root.open_if_exists(mount.config.destination, O_PATH);
  struct stat info {};
  if (covered) check(::fstat(covered->get(), &info), "stat", mount.config.destination);
  const auto& parameters = mount.options.parameters;
  bool has_mode = std::ranges::any_of(parameters, [](const auto& one) { return one.first == "mode"; });
  auto made = make_filesystem(context, mount, covered && !has_mode ? info.st_mode & 07777 : 0);
  if (!mount.options.copy_up || !covered) return made;
  linux::copy_tree(covered->get(), made.get());
  if (!has_mode) linux::own_directory(made.get(), info.st_uid, info.st_gid);
  return made;
}

void mount_one(InitContext& context, const PreparedMount& mount) {
  const auto& type = mount.config.type;
  if (type == "cgroup" && !mount.options.bind && linux::cgroup_facts().version != linux::CgroupVersion::kV2) {
    mount_cgroups(context, mount);
    return;
  }
  if (mount.options.copy_up && type != "tmpfs") fail_invalid("the option tmpcopyup is for file systems of type tmpfs");
  if (mount.options.bind) return mount.subpath.empty() ? mount_bound(context, mount) : mount_part(context, mount);
  auto made = type == "cgroup"  ? linux::mount_filesystem("cgroup2", "cgroup", {}, mount.options.attributes.set)
              : type == "tmpfs" ? make_tmpfs(context, mount)
                                : make_filesystem(context, mount);
  UniqueFd target = target_directory(context, mount);
  linux::attach_mount(made.get(), target.get());
  linux::MountAttributes rest{0, 0, mount.options.attributes.propagation};
  linux::set_mount_attributes(made.get(), rest, mount.options.propagate_tree);
  linux::set_mount_attributes(made.get(), mount.options.tree, true);
  if (type == "tmpfs" && mount.options.read_only()) context.read_only_later.push_back(std::move(made));
}

}  // namespace

void check_target(const PreparedMount& mount, int source, int target) {
  std::string path = linux::clean_path(mount.config.destination);
  bool is_root = false, inside = linux::is_procfs(target);
  if (inside) {
    constexpr ino_t kRootInode = 1;
    struct stat info {};
    check(::fstat(target, &info), "stat", path);
    is_root = info.st_ino == kRootInode;
  }
  if (inside && !is_root && std::ranges::find(kCoverable, path) == std::end(kCoverable))
    fail_invalid(quoted(path), " is inside of /proc, where nothing can be mounted");
  bool brings_procfs = mount.config.type == "proc" || (source >= 0 && linux::is_procfs(source));
  if ((is_root || path == "/proc") && !brings_procfs)
    fail_invalid(quoted(path), " cannot be mounted: it is not of type proc");
}

void attach_with_options(int mount, int target, const linux::MountOptions& options) {
  linux::attach_mount(mount, target);
  // Without a word about propagation the host's later mounts still come in, but none goes out.
  std::uint64_t propagation = options.attributes.propagation;
  if (propagation == 0) propagation = MS_SLAVE;
  bool whole = options.recursive && (options.propagate_tree || !options.attributes.propagation);
  linux::set_mount_attributes(mount, {0, 0, propagation}, whole);
  linux::set_mount_attributes(mount, {options.attributes.set, options.attributes.clear, 0});
  linux::set_mount_attributes(mount, options.tree, true);
}

void make_mounts(InitContext& context) {
  for (const auto& mount : context.plan.mounts) {
    context.progress.at(Step::kMount, mount.config.destination);
    mount_one(context, mount);
  }
}

void make_mounts_read_only(InitContext& context) {
  for (const auto& mount : context.read_only_later) linux::set_mount_attributes(mount.get(), {MOUNT_ATTR_RDONLY, 0, 0});
}

}  // namespace hull::runtime
