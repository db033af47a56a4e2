// SPDX-License-Identifier: Apache-2.0
#include "runtime/plan.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>

#include "base/file.h"
#include "base/log.h"
#include "linux/device_node.h"
#include "linux/namespaces.h"
#include "linux/root_dir.h"
#include "linux/seccomp.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace hull::runtime {

namespace {

// Which sysctls belong to which namespace: any other would change the host (runc refuses the same ones).
constexpr struct {
  std::string_view prefix;
  int flag;
} kSysctlOwners[] = {
    {"net.", CLONE_NEWNET},
    {"fs.mqueue.", CLONE_NEWIPC},
    {"kernel.msgmax", CLONE_NEWIPC},
    {"kernel.msgmnb", CLONE_NEWIPC},
    {"kernel.msgmni", CLONE_NEWIPC},
    {"kernel.sem", CLONE_NEWIPC},
    {"kernel.shmall", CLONE_NEWIPC},
    {"kernel.shmmax", CLONE_NEWIPC},
    {"kernel.shmmni", CLONE_NEWIPC},
    {"kernel.shm_rmid_forced", CLONE_NEWIPC},
    {"kernel.domainname", CLONE_NEWUTS},
};

void plan_namespaces(Plan& plan, Progress& progress) {
  int seen = 0;
  for (const auto& wanted : plan.config.linux.namespaces) {
    progress.at(Step::kJoinNamespace, wanted.type);
    auto flag = linux::namespace_flag(wanted.type);
    if (!flag) fail_invalid("unknown namespace type ", quoted(wanted.type));
    if (seen & *flag) fail_invalid("namespace ", quoted(wanted.type), " is given twice");
    seen |= *flag;
    if (*flag == CLONE_NEWNET && plan.handles.network_namespace >= 0) continue;
    if (*flag == CLONE_NEWUSER && plan.handles.user_namespace >= 0) continue;
    if (!wanted.path.empty()) {
      UniqueFd fd = linux::open_namespace(wanted.path, *flag);
      int number = fd.get();
      plan.joins.push_back({*flag, number, std::move(fd)});
    } else if (*flag == CLONE_NEWCGROUP) {
      plan.create_cgroup_namespace = true;
    } else {
      plan.create |= *flag;
    }
  }
  if (plan.handles.network_namespace >= 0) plan.joins.push_back({CLONE_NEWNET, plan.handles.network_namespace, {}});
  if (plan.handles.user_namespace >= 0) plan.joins.push_back({CLONE_NEWUSER, plan.handles.user_namespace, {}});
  if (plan.creates(CLONE_NEWTIME) && !plan.config.linux.time_offsets.empty()) {
    plan.create &= ~CLONE_NEWTIME;
    plan.create_time_namespace_in_helper = true;
  }
  constexpr int kForChildren = CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWTIME;
  for (const auto& join : plan.joins) plan.join_in_helper |= (join.flag & kForChildren) || plan.creates(CLONE_NEWUSER);
}

void validate_process(const Plan& plan, Progress& progress) {
  progress.at(Step::kExec);
  if (plan.process.args.empty()) fail_invalid("process.args must not be empty");
  progress.at(Step::kWorkingDirectory, plan.process.cwd);
  if (!plan.process.cwd.starts_with('/'))
    fail_invalid("process.cwd ", quoted(plan.process.cwd), " is not an absolute path");
  progress.at(Step::kHostname, plan.config.hostname);
  if (!plan.config.hostname.empty() && !plan.has(CLONE_NEWUTS))
    fail_invalid("unable to set hostname without a private UTS namespace");
  if (!plan.config.domainname.empty() && !plan.has(CLONE_NEWUTS))
    fail_invalid("unable to set domainname without a private UTS namespace");
  progress.at(Step::kNetwork);
  if (!plan.config.linux.net_devices.empty() && !plan.has(CLONE_NEWNET))
    fail_invalid("linux.netDevices need a private network namespace");
  for (const auto& [name, device] : plan.config.linux.net_devices)
    for (const std::string& one : {name, device.name})
      if (one.size() >= IFNAMSIZ || one == "." || one == ".." || one.find_first_of("/ :") != std::string::npos)
        fail_invalid("linux.netDevices: ", quoted(one), " is not the name of a network device");
  progress.at(Step::kUserMaps);
  if (plan.creates(CLONE_NEWUSER) && plan.config.linux.uid_mappings.empty())
    fail_invalid("a user namespace needs uidMappings");
}

void validate_sysctls(const Plan& plan, Progress& progress) {
  for (const auto& [name, value] : plan.config.linux.sysctl) {
    progress.at(Step::kSysctl, name);
    std::string key = name;
    if (key.find('.') == std::string::npos) std::ranges::replace(key, '/', '.');
    auto owner = std::ranges::find_if(kSysctlOwners, [&](const auto& known) { return key.starts_with(known.prefix); });
    if (owner == std::end(kSysctlOwners) || !plan.has(owner->flag))
      fail_invalid("sysctl ", quoted(name), " is not in a separate kernel namespace");
  }
}

// An overlay of lower directories alone is made here, where their names may be longer than what a mount option holds.
// True when `mount` is one.
bool prepare_layers(PreparedMount& prepared) {
  auto& parameters = prepared.options.parameters;
  auto value = [&](std::string_view name) -> std::string {
    auto found = std::ranges::find(parameters, name, [](const auto& one) { return std::string_view(one.first); });
    return found == parameters.end() ? "" : found->second;
  };
  std::string layers = value("lowerdir");
  if (prepared.config.type != "overlay" || layers.empty() || !value("upperdir").empty()) return false;
  linux::OverlayOptions overlay;
  for (auto directory : split(layers, ':')) overlay.lower.emplace_back(directory);
  prepared.source = linux::mount_overlay(overlay);
  prepared.subpath = value("hull.subpath");
  prepared.options.bind = true;
  return true;
}

UniqueFd mount_of_handle(const Plan& plan, const std::string& source) {
  auto index = parse_number<std::size_t>(source);
  if (!index || *index >= plan.handles.mounts.size())
    fail_invalid("there is no mount ", quoted(source), " among the descriptors of the container");
  return UniqueFd(check(::fcntl(plan.handles.mounts[*index], F_DUPFD_CLOEXEC, 3), "dup"));
}

// A copy of what is mounted there; empty when that is the business of the container's own user namespace.
linux::DetachedMount clone_if_permitted(const Plan& plan, const std::string& path, bool recursive) {
  try {
    return linux::clone_mount(path, recursive);
  } catch (const Error& e) {
    if (e.code() != EPERM || !plan.creates(CLONE_NEWUSER)) throw;
    return {};
  }
}

// Whether the caller has to copy what is bound: in a user namespace nobody may copy the host's mounts, or map their
// ids, and a link in /proc to somebody's descriptor leads to mounts of that one's namespace, not to the child's copies
// of them; and what is shared in a container whose root is, has to be a copy of the host's mount, where the child has
// slaves alone. Otherwise the child does it, one after the other, so that the mount table has them in the order of the
// configuration.
bool source_is_ours(const Plan& plan, const PreparedMount& prepared) {
  const auto& mount = prepared.config;
  bool shares = linux::propagation_flag(plan.config.linux.rootfs_propagation) == MS_SHARED &&
                prepared.options.attributes.propagation == MS_SHARED;
  return plan.has(CLONE_NEWUSER) || prepared.options.id_map || !mount.uid_mappings.empty() ||
         mount.source.starts_with("/proc/") || shares;
}

// The user namespace that the ids of the container are in, when there is one before the container. -1: none.
int users_before(const Plan& plan) {
  for (const auto& join : plan.joins)
    if (join.flag == CLONE_NEWUSER) return join.fd;
  return -1;
}

void map_ids(const Plan& plan, PreparedMount& prepared) {
  const auto& mount = prepared.config;
  bool mapped = !mount.uid_mappings.empty();
  if (!prepared.options.id_map && !mapped) return;
  if (!prepared.source) fail_invalid("only bind mounts can be idmapped, by root");
  int users = mapped ? -1 : users_before(plan);
  UniqueFd own;
  if (users < 0) {
    const auto& uids = mapped ? mount.uid_mappings : plan.config.linux.uid_mappings;
    const auto& gids = mapped ? mount.gid_mappings : plan.config.linux.gid_mappings;
    if (uids.empty() || gids.empty())
      fail_invalid("idmap needs uidMappings and gidMappings of the mount or the container");
    own = linux::make_user_namespace(uids, gids);
    users = own.get();
  }
  linux::set_mount_id_map(prepared.source.get(), users, prepared.options.id_map_tree);
}

void plan_mounts(Plan& plan, Progress& progress) {
  for (const auto& mount : plan.config.mounts) {
    progress.at(Step::kMount, mount.destination);
    PreparedMount prepared{mount, linux::parse_mount_options(mount.options), {}};
    bool handed_over = mount.type == kDescriptorMount;
    if (mount.type == "bind" || handed_over) prepared.options.bind = true;
    bool layers = prepare_layers(prepared);
    if (!layers && handed_over) prepared.source = mount_of_handle(plan, mount.source);
    if (!layers && !handed_over && prepared.options.bind && source_is_ours(plan, prepared))
      prepared.source = clone_if_permitted(plan, host_path(plan, mount.source), prepared.options.recursive);
    map_ids(plan, prepared);
    plan.mounts.push_back(std::move(prepared));
  }
}

void plan_rootfs(Plan& plan, Progress& progress) {
  progress.at(Step::kRootfs);
  if (plan.handles.rootfs >= 0) {
    plan.rootfs = plan.handles.rootfs;
    return;
  }
  if (!plan.config.root || plan.config.root->path.empty()) fail_invalid("root.path is missing");
  std::string path = host_path(plan, plan.config.root->path);
  progress.at(Step::kRootfs, path);
  if (!linux::is_directory(path)) fail_invalid("root.path: ", quoted(path), " is not a directory");
  plan.own_rootfs = clone_if_permitted(plan, path, true);
  plan.rootfs = plan.own_rootfs.get();
}

void plan_seccomp(Plan& plan, Progress& progress) {
  progress.at(Step::kSeccomp);
  const auto& profile = plan.config.linux.seccomp;
  if (profile) plan.seccomp_flags = linux::seccomp_flags(*profile);
  plan.seccomp = plan.options.seccomp_program;
  if (plan.seccomp.empty() && profile) plan.seccomp = linux::compile_seccomp(*profile);
  if (!profile || !linux::seccomp_announces(*profile)) return;
  if (profile->listener_path.empty())
    fail_invalid("linux.seccomp.listenerPath must be set for the action SCMP_ACT_NOTIFY");
  plan.receiver = receiver_of(profile, {plan.options.id, plan.options.hold_before_exec ? "created" : "creating",
                                        plan.options.bundle, 0, plan.config.annotations});
}

const oci::Process& process_of(const oci::RuntimeConfig& config) {
  if (!config.process) fail_invalid("the configuration has no process");
  return *config.process;
}

}  // namespace

bool Plan::joins_one(int flag) const {
  return std::ranges::any_of(joins, [flag](const Join& join) { return join.flag == flag; });
}

std::string host_path(const Plan& plan, const std::string& path) {
  return path.starts_with('/') ? path : cat(plan.options.bundle, "/", path);
}

bool Plan::has_early_hooks() const {
  const auto& hooks = config.hooks;
  return hooks && (!hooks->prestart.empty() || !hooks->create_runtime.empty() || !hooks->create_container.empty() ||
                   !hooks->start_container.empty());
}

bool Plan::own_mounts() const { return creates(CLONE_NEWNS); }

Plan make_plan(const oci::RuntimeConfig& config, const Handles& handles, const StartOptions& options,
               Progress& progress) {
  progress.at(Step::kExec);
  Plan plan{config, process_of(config), handles, options};
  plan_namespaces(plan, progress);
  validate_process(plan, progress);
  validate_sysctls(plan, progress);
  progress.at(Step::kCgroup);
  if (config.linux.intel_rdt) plan.resctrl.emplace(*config.linux.intel_rdt, options.id);
  progress.at(Step::kRootfs);
  if (!plan.has(CLONE_NEWNS) && !config.mounts.empty())
    log::warn("mounts: none is made, because the container has no mount namespace");
  if (plan.own_mounts()) {
    plan_rootfs(plan, progress);
    plan_mounts(plan, progress);
  }
  plan_seccomp(plan, progress);
  return plan;
}

}  // namespace hull::runtime
