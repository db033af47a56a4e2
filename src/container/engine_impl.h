// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "container/engine.h"
#include "container/live.h"
#include "container/log_bell.h"

namespace hull::container {

// One exec instance. Its state is published like a container's.
struct LiveExec {
  std::mutex mutex;
  std::condition_variable ended;  // with `mutex`: it has begun, or ended
  ExecState state;
  std::weak_ptr<shim::Client> shim;
};
using LiveExecPtr = std::shared_ptr<LiveExec>;

// The inside of Engine: what its verbs (one source file each) share.
struct Engine::Impl {
  Impl(Configuration c, Services s) : configuration(std::move(c)), services(s), log_bell(services.reactor) {}

  Configuration configuration;
  Services services;
  Registry registry;
  LogBell log_bell;

  mutable std::mutex execs_mutex;
  std::map<std::string, LiveExecPtr> execs;  // by id
  std::mutex prune_mutex;

  // Places.
  std::string container_directory(const std::string& id) const;                    // <data-root>/containers/<id>
  std::string run_directory(const std::string& id, const std::string& run) const;  // <exec-root>/containers/<id>.<run>
  std::string cgroup_path(const std::string& id, const Spec& spec) const;
  std::unique_ptr<linux::Cgroup> cgroup_of(const State& state) const;

  // A state of kCreated with all paths filled in.
  State initial_state(const std::string& id, const std::string& name, std::shared_ptr<const Spec> spec) const;
  // Writes the newest published state to the database.
  void persist(Live& container);

  // Events. Attributes: the labels, image and name, then `more`.
  void publish(const State& state, std::string action, std::map<std::string, std::string> more = {});

  // start.cpp
  void start(const LivePtr& container);  // takes the operation lock
  void start_locked(const LivePtr& container);
  // Keeps the failure as the container's error, and words it for the client.
  Error start_failed(const LivePtr& container, const Error& error);
  shim::Events events_of(const LivePtr& container, std::uint64_t run);

  // exit.cpp: what happens when the first process has ended, on whatever way that became known.
  void exited(const LivePtr& container, std::uint64_t run, shim::ExitRecord record);
  void finish_exit(const LivePtr& container, const shim::ExitRecord& record);
  void shim_lost(const LivePtr& container, std::uint64_t run);
  bool restart_wanted(const State& state, const Live& container) const;  // nobody asked for the end
  bool policy_allows(const State& state, int exit_code) const;
  void restart_by_policy(const LivePtr& container);
  void schedule_restart(const LivePtr& container, const State& state);
  void cancel_restart(Live& container);
  // Ends whatever is left in the cgroup and removes it. Idempotent.
  void destroy_cgroup(const State& state);

  // stop.cpp
  void send_signal(const LivePtr& container, int signal);
  // Waits until the run that was going on at `exits` has ended. False after the time is over.
  bool wait_for_exit(Live& container, std::uint64_t exits, std::optional<std::chrono::nanoseconds> patience,
                     std::stop_token stop = {});
  void stop(const LivePtr& container, std::optional<int> timeout, const std::string& signal,
            std::stop_token stop_token);
  void thaw_if_paused(const LivePtr& container);

  // remove.cpp
  void remove_locked(const LivePtr& container, bool volumes);
  void remove_automatically(const LivePtr& container);

  // exec.cpp
  LiveExecPtr get_exec(const std::string& exec_id) const;
  void run_exec(const LivePtr& container, LiveExec& exec, const ExecSpec& spec, ExecStart& start);
  void exec_ended(const std::string& exec_id, int code);
  void forget_execs_of(const std::string& container_id);

  // recover.cpp
  LivePtr recover_row(const store::ContainerRow& row);
  bool take_up(const LivePtr& container, const std::string& directory);
  void close_up(const LivePtr& container, const std::string& directory);
  void settle(const LivePtr& container);
  void revive(const LivePtr& container);
  void remove_leftovers();
};

// It has processes: running or paused.
bool is_up(const State& state);
// Throws Error{kConflict} "container x is not running" and the like unless it runs (paused counts).
void require_running(const State& state);

}  // namespace hull::container
