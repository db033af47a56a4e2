// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>

#include "linux/lsm.h"
#include "runtime/init.h"

namespace hull::runtime {

namespace {

// SELinux: the files of the container's own file systems get its label (not those whose labels the kernel keeps).
void add_mount_label(InitContext& context, const std::string& type, linux::FilesystemParameters& parameters) {
  const auto& label = context.plan.config.linux.mount_label;
  if (label.empty() || type == "proc" || type == "sysfs" || !linux::selinux_enabled()) return;
  parameters.emplace_back("context", label);
}

linux::DetachedMount make_filesystem(InitContext& context, const PreparedMount& mount) {
  const auto& type = mount.config.type;
  auto parameters = mount.options.parameters;
  add_mount_label(context, type, parameters);
  // A tmpfs gets read-only last: other mounts may need directories in it.
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

// Only of what is attached can a part be copied: the whole is mounted over the container's /proc for a
// moment, where nobody looks yet.
void mount_part(InitContext& context, const PreparedMount& mount) {
  UniqueFd whole_at = context.root.make_directory("/proc");
  linux::attach_mount(mount.source.get(), whole_at.get());
  auto inside = linux::RootDir(mount.source.get()).open_if_exists(mount.subpath, O_PATH);
  if (!inside)
    fail_invalid("there is no ", quoted(mount.subpath), " in the image that is mounted at ", mount.config.destination);
  auto part = linux::clone_mount(inside->get(), false);
  struct stat info {};
  check(::fstat(inside->get(), &info), "stat", mount.subpath);
  linux::detach_mount(mount.source.get());
  const auto& path = mount.config.destination;
  UniqueFd target = S_ISDIR(info.st_mode) ? context.root.make_directory(path) : context.root.make_file(path);
  attach_with_options(part.get(), target.get(), mount.options);
}

void mount_one(InitContext& context, const PreparedMount& mount, std::vector<UniqueFd>& read_only_later) {
  const auto& type = mount.config.type;
  const auto& path = mount.config.destination;
  if (type == "cgroup" && !mount.options.bind && linux::cgroup_facts().version != linux::CgroupVersion::kV2) {
    mount_cgroups(context, mount);
    return;
  }
  if (mount.options.copy_up) fail_invalid("the option tmpcopyup is not supported");
  if (mount.options.bind) {
    if (!mount.subpath.empty()) return mount_part(context, mount);
    UniqueFd target = mount.onto_directory ? context.root.make_directory(path) : context.root.make_file(path);
    attach_with_options(mount.source.get(), target.get(), mount.options);
    return;
  }
  UniqueFd target = context.root.make_directory(path);
  auto made = type == "cgroup" ? linux::mount_filesystem("cgroup2", "cgroup", {}, mount.options.attributes.set)
                               : make_filesystem(context, mount);
  linux::attach_mount(made.get(), target.get());
  linux::MountAttributes rest{0, 0, mount.options.attributes.propagation};
  linux::set_mount_attributes(made.get(), rest, mount.options.propagate_tree);
  linux::set_mount_attributes(made.get(), mount.options.tree, true);
  if (type == "tmpfs" && mount.options.read_only()) read_only_later.push_back(std::move(made));
}

}  // namespace

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
  std::vector<UniqueFd> read_only_later;
  for (const auto& mount : context.plan.mounts) {
    context.progress.at(Step::kMount, mount.config.destination);
    mount_one(context, mount, read_only_later);
  }
  for (const auto& mount : read_only_later) linux::set_mount_attributes(mount.get(), {MOUNT_ATTR_RDONLY, 0, 0});
}

}  // namespace hull::runtime
