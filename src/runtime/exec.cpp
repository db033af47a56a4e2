// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include "base/file.h"
#include "linux/credentials.h"
#include "linux/namespaces.h"
#include "runtime/launch.h"
#include "runtime/program.h"

namespace hull::runtime {

namespace {

// The body of the new process, which is in the container already.
[[noreturn]] void run_exec(const oci::Process& process, const ExecOptions& options, linux::Handshake& channel,
                           Progress& progress) {
  linux::reset_signals();
  linux::start_session();
  progress.at(Step::kOomScore, cat(process.oom_score_adj.value_or(0)));
  if (process.oom_score_adj) set_oom_score("self", *process.oom_score_adj);
  // In a user namespace that has no number for us we are nobody, who can own nothing there.
  if (::geteuid() != 0) linux::set_user(0, 0, {});
  Program program{process};
  progress.at(Step::kSecurityLabel);
  program.label = linux::ExecLabel::open(process.apparmor_profile, process.selinux_label);
  progress.at(Step::kConsole);
  if (process.terminal) {
    UniqueFd root = open_file("/", O_PATH | O_DIRECTORY);
    linux::Pty pty = linux::open_pty(linux::RootDir(root.get()));
    tell(channel, Tell::kConsole, {}, pty.master.get());
    take_terminal(pty, process);
  } else {
    linux::set_stdio(options.in, options.out, options.err);
  }
  program.seccomp = options.seccomp_program;
  program.preserve_fds = options.preserve_fds;
  become(program, progress);
}

}  // namespace

Execed exec(int target_pidfd, const oci::Process& process, const ExecOptions& options) {
  Progress progress;
  try {
    progress.at(Step::kExec);
    if (process.args.empty()) fail_invalid("process.args must not be empty");
    progress.at(Step::kJoinCgroup, options.cgroup_path);
    std::unique_ptr<linux::Cgroup> cgroup;
    if (!options.cgroup_path.empty()) {
      cgroup = linux::make_cgroup(options.cgroup_driver, options.cgroup_path);
      cgroup->open_for_join();
    }
    UniqueFd cgroup_target = cgroup ? cgroup->clone_target() : UniqueFd();
    Launch what;
    what.phase = Phase::kExec;
    what.cgroup = cgroup_target.get();
    what.prepare = [&](Progress& helper) {
      helper.at(Step::kJoinCgroup, options.cgroup_path);
      if (cgroup && !cgroup_target) cgroup->join();
      helper.at(Step::kJoinNamespace, "the container's");
      linux::enter_all_namespaces(target_pidfd);
    };
    what.body = [&](linux::Handshake& channel, Progress& inner) { run_exec(process, options, channel, inner); };
    progress.at(Step::kClone);
    give_streams(process, options.uid_mappings, {options.in, options.out, options.err});
    Launched launched = launch(what);
    await_program(
        launched, [] {}, Phase::kExec);
    pid_t pid = launched.child.pid();
    return {pid, launched.child.take_pidfd(), std::move(launched.console)};
  } catch (const StartError&) {
    throw;
  } catch (const Error& e) {
    throw StartError(make_failure(e, progress, Phase::kExec));
  }
}

}  // namespace hull::runtime
