// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "linux/handshake.h"
#include "linux/lsm.h"
#include "linux/pty.h"
#include "linux/root_dir.h"
#include "runtime/plan.h"

namespace hull::runtime {

// What the steps of the first process of a container share.
struct InitContext {
  const Plan& plan;
  linux::Handshake& channel;
  Progress& progress;
  int rootfs;  // the root of the container, a mount
  linux::RootDir root;
  UniqueFd own_rootfs{};
  linux::ExecLabel label{};
  linux::Pty console{};
  std::vector<UniqueFd> read_only_later{};  // mounts that more is made in: made read-only when the root is complete
  HookState hook_state{};
};

// The life of the first process, from clone to execve. Throws; does not return.
[[noreturn]] void run_init(const Plan& plan, linux::Handshake& channel, Progress& progress);

// The steps that fill a file of their own. In order of their use.
void make_mounts(InitContext& context);
void make_mounts_read_only(InitContext& context);
void mount_cgroups(InitContext& context, const PreparedMount& mount);
void make_devices(InitContext& context);
void make_console(InitContext& context);
void mask_paths(InitContext& context);
void make_paths_read_only(InitContext& context);

// Throws Error{kInvalidArgument} when `mount`, made of `source` (-1: a file system of its own), must not be on
// `target`.
void check_target(const PreparedMount& mount, int source, int target);
// Attaches and sets the attributes that the options ask for.
void attach_with_options(int mount, int target, const linux::MountOptions& options);

}  // namespace hull::runtime
