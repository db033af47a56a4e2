// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "container/engine.h"
#include "container/live.h"
#include "container/log_bell.h"
#include "container/mounts_ahead.h"
#include "container/user_ranges.h"
#include "linux/background.h"
#include "store/ready_directories.h"

namespace hull::container {

// One exec instance. Its state is published like a container's.
struct LiveExec {
  std::mutex mutex;
  std::condition_variable ended;  // with `mutex`: it has begun, or ended
  ExecState state;
  std::weak_ptr<shim::Client> shim;
  // For an exec of our own (set before its start): called once, on any thread, and then it is forgotten.
  std::function<void(const shim::ExecExit&)> on_end;
};
using LiveExecPtr = std::shared_ptr<LiveExec>;

// Who wants a start: a person (or the engine at its own start), or the restart policy after an exit.
enum class StartedBy : unsigned char { kHand, kPolicy };

// The inside of Engine: what its verbs (one source file each) share.
struct Engine::Impl {
  Impl(Configuration c, Services s)
      : configuration(std::move(c)),
        services(s),
        log_bell(services.reactor),
        user_ranges(configuration.user_ranges),
        mounts_ahead(services.reactor, services.snapshots),
        directories(configuration.data_root, kReadyDirectories, make_container_directory),
        defaults_(std::make_shared<Defaults>(configuration.defaults)),
        background(services.reactor) {}

  Configuration configuration;
  Services services;
  Registry registry;
  LogBell log_bell;
  UserRanges user_ranges;
  MountsAhead mounts_ahead;
  static constexpr std::size_t kReadyDirectories = 8;
  store::ReadyDirectories directories;  // of containers

  std::atomic<bool> linked = false;  // some container links to another one, or has done so

  mutable std::mutex defaults_mutex;
  std::shared_ptr<const Defaults> defaults_;
  std::shared_ptr<const Defaults> defaults() const {
    std::scoped_lock lock(defaults_mutex);
    return defaults_;
  }

  mutable std::mutex execs_mutex;
  std::map<std::string, LiveExecPtr> execs;  // by id
  struct EndedExec {
    std::string id;
    std::int64_t at = 0;  // monotonic nanoseconds
  };
  std::deque<EndedExec> ended_execs;  // those of them that can only be inspected any more, oldest first
  bool forgetting_execs = false;      // a timer for forget_old_execs() runs
  std::mutex prune_mutex;

  // Places.
  std::string container_directory(const std::string& id) const;   // <data-root>/containers/<id>
  static void make_container_directory(const std::string& path);  // with its files, empty
  void make_ready();  // what the next create and start take; in the background
  std::string run_directory(const std::string& id, const std::string& run) const;  // <exec-root>/containers/<id>.<run>
  std::string cgroup_path(const std::string& id, const Spec& spec) const;
  std::unique_ptr<linux::Cgroup> cgroup_of(const State& state) const;

  // A state of kCreated with all paths filled in.
  State initial_state(const std::string& id, const std::string& name, std::shared_ptr<const Spec> spec) const;
  // Writes the newest published state to the database.
  void persist(Live& container);

  // Events. Attributes: the labels, image and name, then `more`.
  void publish(const State& state, std::string action, std::map<std::string, std::string> more = {});

  // "connect" or "disconnect" of every endpoint in `endpoints`.
  void publish_networks(const State& state, const network::Endpoints& endpoints, const std::string& action);

  // "mount" and "unmount" of every volume of the container.
  void publish_mounts(const State& state);
  void publish_unmounts(const State& state);

  // start.cpp
  // Takes the operation lock. What the restart policy has counted so far is forgotten.
  void start_by_hand(const LivePtr& container);
  void start_locked(const LivePtr& container, StartedBy by);
  void record_start(Live& container);
  // Keeps the failure as the container's error, and words it for the client.
  Error start_failed(const LivePtr& container, const Error& error);
  shim::Events events_of(const LivePtr& container, std::uint64_t run);

  // exit.cpp: what happens when the first process has ended, on whatever way that became known.
  void exited(const LivePtr& container, std::uint64_t run, shim::ExitRecord record);
  void finish_exit(const LivePtr& container, const shim::ExitRecord& record);
  void shim_lost(const LivePtr& container, std::uint64_t run);
  static bool policy_allows(const State& state, int exit_code);
  void restart_by_policy(const LivePtr& container);
  void schedule_restart(const LivePtr& container, const State& state);
  void cancel_restart(Live& container);  // of the timer; the state remains
  // From "restarting" to "exited". False when it is not restarting (any more): it may run then.
  bool give_up_restarting(const LivePtr& container);
  // Ends whatever is left in the cgroup and removes it. Idempotent.
  void destroy_cgroup(const State& state);

  // stop.cpp
  void send_signal(const LivePtr& container, int signal);
  // Waits until the run that was going on at `exits` has ended. False after the time is over.
  bool wait_for_exit(Live& container, std::uint64_t exits, std::optional<std::chrono::nanoseconds> patience,
                     std::stop_token stop = {});
  // When its process is over already, waits for the engine to have heard of it: whoever saw the end of the output
  // takes it for ended.
  void settle_exit(const LivePtr& container);
  void stop(const LivePtr& container, std::optional<int> timeout, const std::string& signal,
            std::stop_token stop_token);
  void kill(const LivePtr& container, int signal);
  // SIGKILL, and the end of the run that was going on at `exits`.
  void kill_now(const LivePtr& container, std::uint64_t exits);
  void restart(const LivePtr& container, std::optional<int> timeout, const std::string& signal);
  void thaw_if_paused(const LivePtr& container);

  // remove.cpp
  void remove_locked(const LivePtr& container, bool volumes);
  // What belongs to one that is in no row any more. False when something could not be cleared away: its directory
  // stays, so that the next start of the engine knows what.
  bool clear_away(const State& state, const std::vector<std::string>& doomed_volumes);
  void end_by_force(const LivePtr& container);
  void remove_automatically(const LivePtr& container);

  // exec.cpp
  LiveExecPtr get_exec(const std::string& exec_id) const;
  void run_exec(const LivePtr& container, LiveExec& exec, const ExecSpec& spec, ExecStart& start);
  LiveExecPtr create_exec(const Live& container, ExecSpec spec);
  // Throws runtime::StartError when the program cannot be run; the exec has ended then.
  void start_exec(const LivePtr& container, const LiveExecPtr& exec, ExecStart& start);
  void exec_ended(const std::string& exec_id, const shim::ExecExit& exit);
  void remember_ended(const std::string& exec_id);
  void forget_old_execs();
  void forget_execs_of(const std::string& container_id);  // they have ended with it
  void remove_execs_of(const std::string& container_id);

  // health.cpp
  static void reset_health(State& state);  // as it is after a start
  void begin_health_checks(const LivePtr& container);
  static void end_health_checks(Live& container);

  // recover.cpp
  LivePtr recover_row(const store::ContainerRow& row);
  bool take_up(const LivePtr& container, const std::string& directory);
  void close_up(const LivePtr& container, const std::string& directory);
  void settle(const LivePtr& container);

  // revive.cpp
  void revive(const std::vector<LivePtr>& containers);
  void remove_leftovers();

  linux::Background background;  // the last one: it ends before what it works with
};

// It has processes: running or paused.
bool is_up(const State& state);
// Throws Error{kConflict} "container x is not running" and the like unless it runs (paused counts).
void require_running(const State& state);

}  // namespace hull::container
