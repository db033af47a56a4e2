// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "linux/cgroup.h"
#include "oci/runtime_config.h"
#include "runtime_arguments.h"

namespace hull::runtime_cli {

struct Globals {
  std::string root;
  linux::CgroupDriver driver = linux::CgroupDriver::kCgroupfs;
};

// What is kept of a container between two commands:
//
//   <root>/<id>/state.json   written once, atomically, when its first process stands
//   <root>/<id>/start.sock   the first process listens here until it is let go; gone afterwards
struct Container {
  std::string id, bundle, rootfs, created, cgroup_path;
  pid_t pid = 0;
  std::uint64_t pid_start_time = 0;  // in clock ticks since boot: tells a reused pid
  bool systemd_cgroup = false;
  oci::RuntimeConfig config;

  std::string directory(const Globals& globals) const { return globals.root + "/" + id; }
  std::unique_ptr<linux::Cgroup> cgroup() const;
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

// The verbs. Each gives the exit code of the program.
using Verb = int (*)(const Globals& globals, std::vector<std::string> words);
int verb_create(const Globals&, std::vector<std::string>);
int verb_run(const Globals&, std::vector<std::string>);
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
int verb_spec(const Globals&, std::vector<std::string>);
int verb_features(const Globals&, std::vector<std::string>);

// Ends everything of a container that has no first process any more, and forgets it.
void forget(const Globals& globals, const Container& container);
void write_pid_file(const std::string& path, pid_t pid);
std::string absolute_path(const std::string& path);

}  // namespace hull::runtime_cli
