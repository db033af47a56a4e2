// SPDX-License-Identifier: Apache-2.0
#include "runtime/init.h"

#include <sched.h>
#include <sys/mount.h>

#include <algorithm>

#include "base/file.h"
#include "linux/child.h"
#include "linux/credentials.h"
#include "linux/keyring.h"
#include "linux/namespaces.h"
#include "linux/scheduling.h"
#include "runtime/launch.h"
#include "runtime/program.h"

namespace hull::runtime {

namespace {

void join_cgroup(InitContext& context) {
  linux::reset_cpu_affinity();
  if (context.plan.cgroup && !context.plan.cgroup->clone_target()) context.plan.cgroup->join();
  // Not with clone3: the namespace would have the parent's cgroup as its root, even with CLONE_INTO_CGROUP.
  if (context.plan.create_cgroup_namespace) linux::leave_namespaces(CLONE_NEWCGROUP);
}

void await_user_maps(InitContext& context) {
  if (!context.plan.has(CLONE_NEWUSER)) return;
  await_go(context.channel);
  // Until then this is nobody, who cannot own a file in the container's file systems.
  linux::set_user(0, 0, {}, groups_of(context.plan.options.rootless));
}

void set_own_oom_score(InitContext& context) {
  const auto& value = context.plan.process.oom_score_adj;
  if (!value || context.plan.has(CLONE_NEWUSER)) return;
  context.progress.at(Step::kOomScore, cat(*value));
  set_oom_score(context.plan.host, "self", *value);
}

void join_namespaces(InitContext& context) {
  if (context.plan.join_in_helper) return;
  for (const auto& join : context.plan.joins) {
    context.progress.at(Step::kJoinNamespace, std::string(linux::namespace_name(join.flag)));
    linux::enter_namespace(join.fd, join.flag);
  }
}

void join_keyring(InitContext& context) {
  const std::string& name = context.plan.options.session_keyring;
  if (!name.empty()) linux::join_session_keyring(name);
}

void bring_network_up(InitContext& context) {
  if (context.plan.creates(CLONE_NEWNET)) linux::bring_loopback_up();
  if (context.plan.config.linux.net_devices.empty()) return;
  tell(context.channel, Tell::kDevices);
  await_go(context.channel);
}

void set_host_names(InitContext& context) {
  const auto& config = context.plan.config;
  if (!config.hostname.empty()) linux::set_hostname(config.hostname);
  if (!config.domainname.empty()) linux::set_domainname(config.domainname);
}

// Hooks of the container look for its files where the configuration says that they are, and what is to be moved over
// "/" must not be there already. Otherwise anywhere will do.
std::string place_of_rootfs(const Plan& plan) {
  const auto& config = plan.config;
  bool anywhere = !config.hooks && !plan.options.no_pivot;
  if (anywhere || !config.root || config.root->path.empty()) return "/";
  const std::string& path = config.root->path;
  std::string place = path.starts_with('/') ? path : cat(plan.options.bundle, "/", path);
  return exists(place) ? place : "/";
}

void attach_rootfs(InitContext& context) {
  const auto& process = context.plan.process;
  context.label = linux::ExecLabel::open(context.plan.host, process.apparmor_profile, process.selinux_label);
  if (!context.plan.own_mounts()) return;
  linux::set_umask(0);
  // Nothing of what follows may reach the host's mount table; what the host mounts later may still come in.
  linux::set_propagation_of_all(MS_SLAVE);
  if (context.rootfs < 0) {
    context.own_rootfs = linux::clone_mount(host_path(context.plan, context.plan.config.root->path), true);
    context.rootfs = context.own_rootfs.get();
    context.root = linux::RootDir(context.rootfs);
  }
  linux::attach_mount(context.rootfs, place_of_rootfs(context.plan));
  auto propagation = linux::propagation_flag(context.plan.config.linux.rootfs_propagation);
  // A shared root cannot be pivoted to: that is made up for after the pivot.
  std::uint64_t flag = MS_PRIVATE;
  if (propagation == MS_SLAVE || propagation == MS_UNBINDABLE) flag = *propagation;
  linux::set_mount_attributes(context.rootfs, {0, 0, flag}, true);
}

void make_working_directory(InitContext& context) {
  context.progress.at(Step::kWorkingDirectory, context.plan.process.cwd);
  try {
    context.root.make_directory(context.plan.process.cwd);
  } catch (const Error& e) {
    // Below a read-only mount. The change of directory will say that it is missing.
    if (e.code() != EROFS) throw;
  }
}

void write_sysctls(InitContext& context) {
  for (const auto& [name, value] : context.plan.config.linux.sysctl) {
    context.progress.at(Step::kSysctl, name);
    std::string path = name;
    if (path.find('/') == std::string::npos) std::ranges::replace(path, '.', '/');
    UniqueFd file = context.plan.host.open(cat("sys/", path), O_WRONLY);
    check(::write(file.get(), value.data(), value.size()), "write", cat("/proc/sys/", path));
  }
}

void run_early_hooks(InitContext& context) {
  if (!context.plan.has_early_hooks()) return;
  tell(context.channel, Tell::kHooks);
  context.hook_state = {context.plan.options.id, "creating", context.plan.options.bundle,
                        parse_number<pid_t>(await_go(context.channel)).value_or(0), context.plan.config.annotations};
  // In the container's namespaces its pid is another one (runtime.md#state).
  if (context.plan.has(CLONE_NEWPID)) context.hook_state.pid = ::getpid();
  if (context.plan.own_mounts()) check(::fchdir(context.rootfs), "chdir", "the container's root");
  run_hooks("createContainer", context.plan.config.hooks->create_container, context.hook_state);
}

void change_root(InitContext& context) {
  const auto& plan = context.plan;
  if (!plan.own_mounts()) {
    if (!plan.config.root || plan.config.root->path.empty()) return;
    // A mount namespace that is joined has its root set up; a path that it does not have was meant for the host's.
    std::string path = host_path(plan, plan.config.root->path);
    if (!plan.joins_one(CLONE_NEWNS) || exists(path)) linux::change_root_to(path);
    return;
  }
  plan.options.no_pivot ? linux::move_root_to(context.rootfs) : linux::pivot_root_to(context.rootfs);
  if (linux::propagation_flag(plan.config.linux.rootfs_propagation) == MS_SHARED)
    linux::set_propagation_of_all(MS_SHARED);
}

void make_root_read_only(InitContext& context) {
  make_paths_read_only(context);
  context.progress.at(Step::kReadonlyPath, "/");
  if (context.plan.own_mounts() && context.plan.config.root && context.plan.config.root->readonly)
    linux::set_mount_attributes(context.rootfs, {MOUNT_ATTR_RDONLY, 0, 0});
}

constexpr struct {
  Step step;
  void (*run)(InitContext&);
  bool needs_own_mounts;
} kSteps[] = {
    {Step::kJoinCgroup, join_cgroup, false},
    {Step::kUserMaps, await_user_maps, false},
    {Step::kOomScore, set_own_oom_score, false},
    {Step::kJoinNamespace, join_namespaces, false},
    {Step::kKeyring, join_keyring, false},
    {Step::kNetwork, bring_network_up, false},
    {Step::kHostname, set_host_names, false},
    {Step::kRootfs, attach_rootfs, false},
    {Step::kMount, make_mounts, true},
    {Step::kDevice, make_devices, true},
    {Step::kWorkingDirectory, make_working_directory, true},
    {Step::kConsole, make_console, false},
    {Step::kSysctl, write_sysctls, false},
    {Step::kHook, run_early_hooks, false},
    {Step::kMount, make_mounts_read_only, true},
    // From here on the host's files are out of reach, but for what is open.
    {Step::kPivot, change_root, false},
    {Step::kMaskedPath, mask_paths, true},
    {Step::kReadonlyPath, make_root_read_only, true},
};

// They run in the container as its program does, with its filter and capabilities; without an environment of their own
// they get the program's.
void run_start_hooks(InitContext& context, const LastMoment& moment) {
  const auto& config = context.plan.config;
  if (!config.hooks || config.hooks->start_container.empty()) return;
  context.progress.at(Step::kHook);
  context.hook_state.status = "created";
  auto hooks = config.hooks->start_container;
  for (auto& hook : hooks)
    if (hook.env.empty()) hook.env = moment.environment;
  run_hooks("startContainer", hooks, context.hook_state, moment.confine);
}

// Stands right before execve until somebody lets the container start. The channel becomes theirs.
void hold(InitContext& context) {
  const auto& plan = context.plan;
  if (plan.options.hold_before_exec) {
    linux::end_on_signals();
    tell(context.channel, Tell::kReady);
    if (plan.handles.release_listener >= 0) {
      await_go(context.channel);  // our maker has written down that we exist; without that we end with it
      context.channel = linux::accept_handshake(plan.handles.release_listener);
    }
    await_go(context.channel);
  }
}

}  // namespace

void run_init(const Plan& plan, linux::Handshake& channel, Progress& progress) {
  InitContext context{plan, channel, progress, plan.rootfs, linux::RootDir(plan.rootfs)};
  linux::reset_signals();
  linux::start_session();
  for (const auto& step : kSteps) {
    if (step.needs_own_mounts && !plan.own_mounts()) continue;
    progress.at(step.step);
    step.run(context);
  }
  progress.at(Step::kConsole);
  if (plan.process.terminal) {
    take_terminal(context.console, plan.process);
  } else {
    linux::set_stdio(plan.handles.in, plan.handles.out, plan.handles.err);
  }
  Program program{plan.process};
  if (plan.config.linux.personality) program.personality = &*plan.config.linux.personality;
  if (plan.config.linux.memory_policy) program.memory_policy = &*plan.config.linux.memory_policy;
  program.label = std::move(context.label);
  program.seccomp = plan.seccomp;
  program.seccomp_flags = plan.seccomp_flags;
  program.seccomp_announces = !plan.receiver.path.empty();
  program.listener_channel = [&]() -> const linux::Handshake& { return context.channel; };
  program.rootless = plan.options.rootless;
  program.limits_are_set = plan.has(CLONE_NEWUSER);
  program.die_with_parent = plan.options.die_with_parent;
  program.preserve_fds = plan.options.preserve_fds;
  program.before_exec = [&](const LastMoment& moment) {
    hold(context);
    run_start_hooks(context, moment);
  };
  program.parent_is_gone = [&] { return channel.peer_gone(); };
  become(program, progress);
}

}  // namespace hull::runtime
