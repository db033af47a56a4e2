// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "linux/cgroup.h"
#include "linux/process_lock.h"
#include "oci/runtime_config.h"
#include "runtime/runtime.h"
#include "runtime_arguments.h"

namespace hull::runtime_cli {

struct Globals {
  std::string root;
  linux::CgroupDriver driver = linux::CgroupDriver::kCgroupfs;
  bool rootless = false;  // control groups that may not be made are done without
  std::string criu = "criu";
};

// What is kept of a container between two commands:
//
//   <root>/<id>/lock         its first part is held (linux::ProcessLock) by whoever makes, starts or deletes the
//   container,
//                            its second by whoever uses the control group or removes it: hooks run under the first one,
//                            and may ask for the second. It names the group, so that what a killed creation has left of
//                            it can be removed
//   <root>/<id>/state.json   written once, atomically, when its first process stands
//   <root>/<id>/start.sock   the first process listens here until it is let go; gone afterwards
//
// A directory with a lock that nobody holds and without a state is what a killed creation has left: the next one of
// that id, or a delete, removes it, and nobody else sees it.
struct Container {
  std::string id, bundle, rootfs, created, cgroup_path;
  pid_t pid = 0;
  std::uint64_t pid_start_time = 0;  // in clock ticks since boot: tells a reused pid
  bool systemd_cgroup = false;
  bool session_keyring = true;
  oci::RuntimeConfig config;

  std::string directory(const Globals& globals) const { return globals.root + "/" + id; }
  linux::CgroupDriver driver() const {
    return systemd_cgroup ? linux::CgroupDriver::kSystemd : linux::CgroupDriver::kCgroupfs;
  }
  std::unique_ptr<linux::Cgroup> cgroup() const { return linux::make_cgroup(driver(), cgroup_path); }
  runtime::HookState hook_state(std::string status) const;
};

inline constexpr const char* kStartSocket = "start.sock";

// Throws Error{kInvalidArgument} for what is no id, Error{kNotFound} "container does not exist".
std::string checked_id(const std::string& id);
Container load(const Globals& globals, const std::string& id);
void save(const Globals& globals, const Container& container);
// "created", "running", "paused" or "stopped".
std::string status_of(const Globals& globals, const Container& container);
// The pid, or 0 once the process has ended.
pid_t live_pid(const Container& container);
std::uint64_t start_time_of(pid_t pid);  // 0: no such process, or a zombie

// Makes the directory of a new container and locks it. Throws Error{kConflict} when there is one of that name.
linux::ProcessLock claim(const Globals& globals, const Container& container);
// The lock of an existing one; waits for whoever has it. Throws Error{kNotFound}.
linux::ProcessLock lock_existing(const Globals& globals, const std::string& id);
// The lock of its control group alone: while it is held the container is not removed, and so the group is nobody
// else's. Never held for long. Throws Error{kNotFound}.
linux::ProcessLock lock_group(const Globals& globals, const std::string& id);
// Removes what a killed creation has left. False: there is nothing like that.
bool remove_abandoned(const Globals& globals, const std::string& id);

// The verbs. Each gives the exit code of the program.
using Verb = int (*)(const Globals& globals, std::vector<std::string> words);
int verb_create(const Globals&, std::vector<std::string>);
int verb_run(const Globals&, std::vector<std::string>);
int verb_restore(const Globals&, std::vector<std::string>);
int verb_checkpoint(const Globals&, std::vector<std::string>);
int verb_start(const Globals&, std::vector<std::string>);
int verb_exec(const Globals&, std::vector<std::string>);
int verb_state(const Globals&, std::vector<std::string>);
int verb_kill(const Globals&, std::vector<std::string>);
int verb_delete(const Globals&, std::vector<std::string>);
int verb_list(const Globals&, std::vector<std::string>);
int verb_ps(const Globals&, std::vector<std::string>);
int verb_pause(const Globals&, std::vector<std::string>);
int verb_resume(const Globals&, std::vector<std::string>);
int verb_update(const Globals&, std::vector<std::string>);
int verb_events(const Globals&, std::vector<std::string>);
int verb_spec(const Globals&, std::vector<std::string>);
int verb_features(const Globals&, std::vector<std::string>);

// Ends the processes of a group and removes it: who asks for an exec at this moment may still come in, until there is
// no group to come into. Nothing when it is not there.
void remove_group(linux::Cgroup& group);
// The hooks of the end: all of them run, and those that fail are warnings.
void run_poststop_hooks(const Container& container);
// Ends everything of a container that has no first process any more, and forgets it; then runs its last hooks. `lock`:
// lock_existing()'s. An exec that comes in meanwhile loses.
void forget(const Globals& globals, const Container& container, const linux::ProcessLock& lock);
// SIGKILL for all processes of the container; waits until its first one has ended.
void kill_container(const Container& container);
void print_line(const std::string& text);

}  // namespace hull::runtime_cli
