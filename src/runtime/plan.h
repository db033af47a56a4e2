// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "linux/mount_options.h"
#include "linux/procfs.h"
#include "linux/resctrl.h"
#include "runtime/failure.h"

namespace hull::runtime {

// A namespace that exists already. `owned` when it was opened here, by its path.
struct Join {
  int flag = 0;
  int fd = -1;
  UniqueFd owned;
};

// A mount of the configuration with everything that the container could not open itself.
struct PreparedMount {
  const oci::Mount& config;
  linux::MountOptions options;
  // Of bind mounts, and of overlays without anything to write to. Empty: the child copies what is at the path.
  linux::DetachedMount source;
  std::string subpath{};  // what of the source is mounted; "" : its root
};

// What the parent works out and opens before anything exists that would have to be undone.
struct Plan {
  const oci::RuntimeConfig& config;
  const oci::Process& process;
  const Handles& handles;
  const StartOptions& options;

  int create = 0;  // CLONE_NEW* for clone3; the cgroup namespace is not among them (see init.cpp)
  bool create_cgroup_namespace = false;
  std::vector<Join> joins{};
  bool join_in_helper = false;  // the namespaces are to be entered before the clone, not after it
  bool create_time_namespace_in_helper = false;

  UniqueFd own_rootfs{};
  int rootfs = -1;
  std::vector<PreparedMount> mounts{};
  std::string seccomp{};
  unsigned seccomp_flags = 0;
  SeccompReceiver receiver{};
  std::unique_ptr<linux::Cgroup> cgroup{};
  std::optional<linux::ResctrlGroup> resctrl{};
  linux::Procfs host = linux::Procfs::open_host();

  bool creates(int flag) const { return create & flag; }
  bool joins_one(int flag) const;
  // Whether the container has a namespace of this kind that is not the caller's.
  bool has(int flag) const { return creates(flag) || joins_one(flag); }
  bool has_early_hooks() const;  // those that the child waits for or runs itself
  bool own_mounts() const;       // a new mount namespace: mounts, pivot and masked paths are ours to do
};

std::string host_path(const Plan& plan, const std::string& path);  // relative ones are below the bundle

// Throws Error; `progress` says where.
Plan make_plan(const oci::RuntimeConfig& config, const Handles& handles, const StartOptions& options,
               Progress& progress);

}  // namespace hull::runtime
