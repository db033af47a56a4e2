// SPDX-License-Identifier: Apache-2.0
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "base/file.h"
#include "runtime/init.h"
#include "runtime/launch.h"

namespace hull::runtime {

namespace {

struct DefaultDevice {
  const char* path;
  unsigned major, minor;
};
constexpr DefaultDevice kDevices[] = {
    {"/dev/null", 1, 3}, {"/dev/zero", 1, 5},   {"/dev/full", 1, 7},
    {"/dev/tty", 5, 0},  {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9},
};

struct DefaultLink {
  const char *path, *target;
};
constexpr DefaultLink kLinks[] = {
    {"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"}, {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"}, {"/dev/core", "/proc/kcore"},      {"/dev/ptmx", "pts/ptmx"},
};

// Who binds a /dev of the host has one already, and it is not ours to change.
bool device_directory_is_bound(const Plan& plan) {
  return std::ranges::any_of(plan.mounts, [](const PreparedMount& mount) {
    return mount.options.bind && linux::clean_path(mount.config.destination) == "/dev";
  });
}

// Where a link of the image leads into /proc there is no place for a device.
UniqueFd file_for_device(InitContext& context, const std::string& path) {
  UniqueFd target = context.root.make_file(path);
  if (linux::is_procfs(target.get())) fail_invalid(quoted(path), " leads into /proc");
  return target;
}

// The kernel does not let a user namespace make device nodes: there the host's are bound over empty files.
void bind_device(InitContext& context, const std::string& path) {
  auto source = linux::clone_mount(path, false);
  UniqueFd target = file_for_device(context, path);
  linux::attach_mount(source.get(), target.get());
}

mode_t node_type(const oci::Device& device) {
  if (device.type == "c" || device.type == "u") return S_IFCHR;
  if (device.type == "b") return S_IFBLK;
  if (device.type == "p") return S_IFIFO;
  fail_invalid("unknown device type ", quoted(device.type));
}

void make_device(InitContext& context, const std::string& path, mode_t mode, dev_t number, uid_t uid, gid_t gid) {
  context.progress.at(Step::kDevice, path);
  if (context.plan.has(CLONE_NEWUSER) && !S_ISFIFO(mode)) {
    bind_device(context, path);
    return;
  }
  try {
    context.root.make_node(path, mode, number, uid, gid);
  } catch (const Error& e) {
    // An engine that runs in somebody's user namespace itself.
    if (e.code() != EPERM) throw;
    bind_device(context, path);
  }
}

}  // namespace

void make_devices(InitContext& context) {
  if (device_directory_is_bound(context.plan)) return;
  for (const auto& device : kDevices)
    make_device(context, device.path, S_IFCHR | 0666, makedev(device.major, device.minor), 0, 0);
  for (const auto& device : context.plan.config.linux.devices)
    make_device(context, device.path, node_type(device) | (device.file_mode.value_or(0666) & 07777),
                makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor)),
                device.uid.value_or(0), device.gid.value_or(0));
  for (const auto& link : kLinks) {
    context.progress.at(Step::kDevice, link.path);
    context.root.make_link(link.path, link.target);
  }
}

void make_console(InitContext& context) {
  if (!context.plan.process.terminal) return;
  // A mount namespace that is not ours to fill, the host's or one that is joined, has its terminals in its own
  // /dev/pts.
  UniqueFd joined;
  if (!context.plan.own_mounts()) joined = open_file("/", O_PATH | O_DIRECTORY);
  context.console = linux::open_pty(joined ? linux::RootDir(joined.get()) : context.root);
  if (context.plan.options.plain_newlines) linux::keep_newlines(context.console.master.get());
  if (context.plan.own_mounts()) {
    auto source = linux::clone_mount(context.console.slave.get(), false);
    UniqueFd target = file_for_device(context, "/dev/console");
    linux::attach_mount(source.get(), target.get());
  }
  tell(context.channel, Tell::kConsole, {}, context.console.master.get());
}

}  // namespace hull::runtime
