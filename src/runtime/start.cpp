// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include "base/file.h"
#include "base/rollback.h"
#include "base/wire.h"
#include "linux/moved_interface.h"
#include "linux/namespaces.h"
#include "linux/rlimit.h"
#include "runtime/device_rules.h"
#include "runtime/init.h"
#include "runtime/launch.h"
#include "runtime/program.h"

namespace hull::runtime {

namespace {

class RunningInit final : public Init {
 public:
  RunningInit(Launched launched, std::unique_ptr<linux::Cgroup> cgroup, SeccompReceiver receiver)
      : pid_(launched.child.pid()),
        launched_(std::move(launched)),
        cgroup_(std::move(cgroup)),
        receiver_(std::move(receiver)) {}

  pid_t pid() const override { return pid_; }
  int pidfd() const override { return launched_.child.pidfd(); }
  UniqueFd take_console() override { return std::move(launched_.console); }
  linux::Cgroup& cgroup() override { return *cgroup_; }
  void release() override {
    tell(launched_.channel, Tell::kGo);
    await_program(
        launched_, [](Tell) {}, receiver_, Phase::kInit);
    launched_.channel.close();
  }
  void entrust() override { tell(launched_.channel, Tell::kGo); }
  void release_ownership() override { launched_.child.release(); }

 private:
  pid_t pid_;
  Launched launched_;
  std::unique_ptr<linux::Cgroup> cgroup_;
  SeccompReceiver receiver_;
};

std::string cgroup_path(const Plan& plan) {
  const auto& path = plan.config.linux.cgroups_path;
  if (!path.empty()) return path;
  return plan.options.cgroup_driver == linux::CgroupDriver::kSystemd ? cat("system.slice:hull:", plan.options.id)
                                                                     : cat("/", plan.options.id);
}

// Rules for devices are no reason to refuse somebody who cannot make device nodes anyway.
bool asks_for_limits(const std::optional<oci::Resources>& resources) {
  if (!resources) return false;
  const auto& wanted = *resources;
  return wanted.memory || wanted.cpu || wanted.pids || wanted.block_io || wanted.network ||
         !wanted.hugepage_limits.empty() || !wanted.rdma.empty() || !wanted.unified.empty();
}

void create_cgroup(Plan& plan, Rollback& rollback, Progress& progress) {
  progress.at(Step::kCgroup, cgroup_path(plan));
  plan.cgroup = linux::make_cgroup(plan.options.cgroup_driver, cgroup_path(plan), plan.config.annotations);
  try {
    plan.cgroup->create(with_default_devices(plan.config.linux.resources.value_or(oci::Resources{})));
  } catch (const Error& e) {
    bool not_ours = e.code() == EACCES || e.code() == EPERM || e.code() == EROFS;
    if (!plan.options.rootless || !not_ours || asks_for_limits(plan.config.linux.resources)) throw;
    plan.cgroup = linux::no_cgroup();
  }
  rollback.add("cgroup", [&plan] { plan.cgroup->remove(); });
  if (!plan.resctrl) return;
  progress.at(Step::kCgroup, "intelRdt");
  plan.resctrl->create();
  rollback.add("resctrl", [&plan] { plan.resctrl->remove(); });
}

// A namespace needs rights over whoever owns it: the caller's, or those that come with the user namespace. So what can
// be entered is entered first, then the user namespace, then what belongs to it.
void join_all(const Plan& plan, Progress& progress) {
  std::vector<const Join*> later;
  auto enter = [&](const Join& join) {
    progress.at(Step::kJoinNamespace, std::string(linux::namespace_name(join.flag)));
    linux::enter_namespace(join.fd, join.flag);
  };
  for (const auto& join : plan.joins) {
    if (join.flag == CLONE_NEWUSER) continue;
    try {
      enter(join);
    } catch (const Error& e) {
      if (e.code() != EPERM || !plan.joins_one(CLONE_NEWUSER)) throw;
      later.push_back(&join);
    }
  }
  for (const auto& join : plan.joins)
    if (join.flag == CLONE_NEWUSER) enter(join);
  for (const Join* join : later) enter(*join);
}

// Runs in the helper process, see Launch::prepare.
void enter_before_clone(const Plan& plan, Progress& progress) {
  progress.at(Step::kJoinNamespace, "time");
  if (plan.create_time_namespace_in_helper) linux::make_time_namespace(plan.config.linux.time_offsets);
  if (plan.join_in_helper) join_all(plan, progress);
}

// What only somebody outside of the user namespace may do to the process in it.
void set_up_from_outside(const Plan& plan, const Launched& launched, Progress& progress) {
  pid_t pid = launched.child.pid();
  progress.at(Step::kUserMaps);
  if (plan.creates(CLONE_NEWUSER))
    linux::write_id_maps(pid, plan.config.linux.uid_mappings, plan.config.linux.gid_mappings);
  if (plan.process.oom_score_adj) {
    progress.at(Step::kOomScore, cat(*plan.process.oom_score_adj));
    set_oom_score(plan.host, cat(pid), *plan.process.oom_score_adj);
  }
  for (const auto& limit : plan.process.rlimits) {
    progress.at(Step::kRlimit, limit.type);
    linux::set_rlimit(pid, limit);
  }
  tell(launched.channel, Tell::kGo);
}

void move_devices(const Plan& plan, pid_t pid, Progress& progress) {
  for (const auto& [name, device] : plan.config.linux.net_devices) {
    progress.at(Step::kNetwork, name);
    UniqueFd network = open_file(cat("/proc/", pid, "/ns/net"), O_RDONLY);
    linux::move_interface(name, device.name.empty() ? name : device.name, network.get());
  }
}

void run_parent_hooks(const Plan& plan, pid_t pid, Progress& progress) {
  progress.at(Step::kHook);
  HookState state{plan.options.id, "creating", plan.options.bundle, pid, plan.config.annotations};
  run_hooks("prestart", plan.config.hooks->prestart, state);
  run_hooks("createRuntime", plan.config.hooks->create_runtime, state);
}

std::unique_ptr<Init> start_planned(Plan& plan, Progress& progress) {
  Rollback rollback;
  create_cgroup(plan, rollback, progress);
  progress.at(Step::kClone);
  if (plan.has(CLONE_NEWUSER))
    give_streams(plan.process, plan.config.linux.uid_mappings, {plan.handles.in, plan.handles.out, plan.handles.err});
  UniqueFd cgroup_target = plan.cgroup->clone_target();
  Launch what;
  what.flags = static_cast<unsigned>(plan.create);
  what.cgroup = cgroup_target.get();
  if (plan.join_in_helper || plan.create_time_namespace_in_helper)
    what.prepare = [&](Progress& helper_progress) { enter_before_clone(plan, helper_progress); };
  what.body = [&](linux::Handshake& channel, Progress& init_progress) { run_init(plan, channel, init_progress); };
  Launched launched = launch(what);
  // From here on the child exists; it dies with `launched`.
  if (plan.has(CLONE_NEWUSER)) set_up_from_outside(plan, launched, progress);
  pid_t pid = launched.child.pid();
  if (plan.resctrl) plan.resctrl->add(pid);
  plan.receiver.pid = plan.receiver.state.pid = pid;
  bool executed = await_program(
      launched,
      [&](Tell wanted) {
        wanted == Tell::kDevices ? move_devices(plan, pid, progress) : run_parent_hooks(plan, pid, progress);
      },
      plan.receiver, Phase::kInit);
  if (executed) launched.channel.close();
  plan.cgroup->occupied();
  rollback.commit();
  return std::make_unique<RunningInit>(std::move(launched), std::move(plan.cgroup), std::move(plan.receiver));
}

}  // namespace

std::unique_ptr<Init> start(const oci::RuntimeConfig& config, const Handles& handles, const StartOptions& options) {
  Progress progress;
  try {
    Plan plan = make_plan(config, handles, options, progress);
    return start_planned(plan, progress);
  } catch (const StartError&) {
    throw;
  } catch (const Error& e) {
    throw StartError(make_failure(e, progress, Phase::kCreate));
  }
}

void release_held(int directory, const std::string& name, int pidfd, const SeccompReceiver& receiver) {
  linux::Handshake channel = linux::connect_handshake(directory, name);
  tell(channel, Tell::kGo);
  while (auto message = channel.receive()) {
    if (message->kind == static_cast<char>(Tell::kFailure)) throw StartError(wire::decode<Failure>(message->body));
    if (message->kind != static_cast<char>(Tell::kListener)) continue;
    pass_on_listener(pidfd, message->body, receiver);
    tell(channel, Tell::kGo);
  }
}

}  // namespace hull::runtime
