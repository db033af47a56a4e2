// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include "base/file.h"
#include "linux/credentials.h"
#include "linux/keyring.h"
#include "linux/namespaces.h"
#include "linux/scheduling.h"
#include "runtime/launch.h"
#include "runtime/program.h"

namespace hull::runtime {

namespace {

// The body of the new process, which is in the container already.
[[noreturn]] void run_exec(const oci::Process& process, const ExecOptions& options, const linux::Procfs& host,
                           linux::Handshake& channel, Progress& progress) {
  linux::reset_signals();
  linux::start_session();
  progress.at(Step::kOomScore, cat(process.oom_score_adj.value_or(0)));
  if (process.oom_score_adj) set_oom_score(host, "self", *process.oom_score_adj);
  // In a user namespace that has no number for us we are nobody, who can own nothing there.
  if (::geteuid() != 0) linux::set_user(0, 0, {}, groups_of(options.rootless));
  progress.at(Step::kKeyring);
  if (!options.session_keyring.empty()) linux::join_session_keyring(options.session_keyring);
  progress.at(Step::kScheduling);
  const auto& affinity = process.exec_cpu_affinity;
  if (!affinity || (affinity->initial.empty() && affinity->final.empty())) linux::reset_cpu_affinity();
  if (affinity && !affinity->final.empty()) linux::set_cpu_affinity(affinity->final, "process.execCPUAffinity.final");
  Program program{process};
  program.personality = options.personality;
  program.memory_policy = options.memory_policy;
  program.rootless = options.rootless;
  progress.at(Step::kSecurityLabel);
  program.label = linux::ExecLabel::open(host, process.apparmor_profile, process.selinux_label);
  progress.at(Step::kConsole);
  if (process.terminal) {
    UniqueFd root = open_file("/", O_PATH | O_DIRECTORY);
    linux::Pty pty = linux::open_pty(linux::RootDir(root.get()));
    if (options.plain_newlines) linux::keep_newlines(pty.master.get());
    tell(channel, Tell::kConsole, {}, pty.master.get());
    take_terminal(pty, process);
  } else {
    linux::set_stdio(options.in, options.out, options.err);
  }
  program.seccomp = options.seccomp_program;
  program.seccomp_flags = options.seccomp_flags;
  program.seccomp_announces = !options.seccomp_receiver.path.empty();
  program.listener_channel = [&]() -> const linux::Handshake& { return channel; };
  program.preserve_fds = options.preserve_fds;
  become(program, progress);
}

}  // namespace

namespace {

std::unique_ptr<linux::Cgroup> cgroup_of(const ExecOptions& options) {
  if (options.cgroup_path.empty()) return nullptr;
  auto cgroup = linux::make_cgroup(options.cgroup_driver, options.cgroup_path);
  try {
    cgroup->open_for_join(options.sub_cgroups);
  } catch (const Error& e) {
    if (!options.rootless || !options.sub_cgroups.empty()) throw;
    return nullptr;
  }
  return cgroup;
}

}  // namespace

Execed exec(int target_pidfd, const oci::Process& process, const ExecOptions& options) {
  Progress progress;
  try {
    progress.at(Step::kExec);
    if (process.args.empty()) fail_invalid("process.args must not be empty");
    progress.at(Step::kJoinCgroup, options.cgroup_path);
    std::unique_ptr<linux::Cgroup> cgroup = cgroup_of(options);
    linux::Procfs host = linux::Procfs::open_host();
    UniqueFd cgroup_target = cgroup ? cgroup->clone_target() : UniqueFd();
    Launch what;
    what.phase = Phase::kExec;
    what.cgroup = cgroup_target.get();
    what.prepare = [&](Progress& helper) {
      helper.at(Step::kScheduling);
      if (process.exec_cpu_affinity && !process.exec_cpu_affinity->initial.empty())
        linux::set_cpu_affinity(process.exec_cpu_affinity->initial, "process.execCPUAffinity.initial");
      helper.at(Step::kJoinCgroup, options.cgroup_path);
      if (cgroup && !cgroup_target) cgroup->join();
      helper.at(Step::kJoinNamespace, "the container's");
      linux::enter_all_namespaces(target_pidfd);
    };
    what.body = [&](linux::Handshake& channel, Progress& inner) { run_exec(process, options, host, channel, inner); };
    progress.at(Step::kClone);
    give_streams(process, options.uid_mappings, {options.in, options.out, options.err});
    Launched launched = launch(what);
    pid_t pid = launched.child.pid();
    SeccompReceiver receiver = options.seccomp_receiver;
    receiver.pid = pid;
    await_program(
        launched, [](Tell) {}, receiver, Phase::kExec);
    return {pid, launched.child.take_pidfd(), std::move(launched.console)};
  } catch (const StartError&) {
    throw;
  } catch (const Error& e) {
    throw StartError(make_failure(e, progress, Phase::kExec));
  }
}

}  // namespace hull::runtime
