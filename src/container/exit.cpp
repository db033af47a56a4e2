// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "container/engine_impl.h"
#include "container/foreign_runtime.h"
#include "container/shared_memory.h"

// The way from "running" to "exited", and from there perhaps back again. All of this runs on background
// threads: the reactor only hands over.
namespace hull::container {

namespace {

using namespace std::chrono_literals;

constexpr int kLostCode = 137;                       // a shim that was killed takes its container along with SIGKILL
constexpr std::int64_t kStableRun = 10'000'000'000;  // nanoseconds: a run that long forgets the back-off
constexpr auto kFirstDelay = 100ms;
constexpr auto kLongestDelay = 60s;

std::string run_time(const State& state, Timestamp end) {
  return cat(std::max<std::int64_t>(0, end.nanoseconds - state.started.nanoseconds) / 1'000'000'000);
}

// A part of the clearing up after a run. One that fails is for the next start of the engine to finish, and must not
// keep the others, or the container's next run, from happening.
template <class Work>
bool attempt(const State& state, std::string_view what, Work work) {
  try {
    work();
    return true;
  } catch (const Error& e) {
    log::warn("after the end of container ", state.name, ", ", what, ": ", e.message());
    return false;
  }
}

}  // namespace

void Engine::Impl::exited(const LivePtr& container, std::uint64_t run, shim::ExitRecord record) {
  {
    std::scoped_lock lock(container->mutex);
    if (container->run != run) return;
    if (container->starting) {  // start_locked() finishes it, after it has published the start
      container->early_exit = record;
      return;
    }
  }
  finish_exit(container, record);
}

void Engine::Impl::shim_lost(const LivePtr& container, std::uint64_t run) {
  auto state = container->state();
  shim::ExitRecord record =
      shim::read_exit_record(container->run_directory).value_or(shim::ExitRecord{kLostCode, state->oom_killed, now()});
  exited(container, run, record);
}

void Engine::Impl::finish_exit(const LivePtr& container, const shim::ExitRecord& record) {
  auto before = container->state();
  if (!is_up(*before)) return;
  if (record.oom_killed && !before->oom_killed) publish(*before, "oom");
  end_health_checks(*container);
  // The ports are free before anybody is told that the container has ended.
  attempt(*before, "disconnecting it", [&] {
    fault::point("exit.begun");
    services.networks.detach(container->id);
    fault::point("exit.network");
  });

  bool restart = false;
  std::string directory;
  StatePtr after;
  {
    std::scoped_lock lock(container->mutex);
    if (!is_up(*container->state())) return;
    restart = !container->no_restart && container->restarting_by_hand == 0 && policy_allows(*before, record.code);
    directory = std::exchange(container->run_directory, {});
    container->shim.reset();
    container->pidfd.reset();
    ++container->exits;
    container->tearing_down = true;
    after = container->change_locked([&](State& state) {
      state.status = restart ? Status::kRestarting : Status::kExited;
      state.pid = 0;
      state.exit_code = record.code;
      state.oom_killed = state.oom_killed || record.oom_killed;
      state.finished = record.at;
      state.endpoints.clear();
      state.running_execs.clear();
      if (state.health) state.health->status = "unhealthy";  // nobody looks after it any more
    });
    // Before whoever waits for the end goes on, and says what it did about it.
    publish(*after, "die", {{"exitCode", cat(record.code)}, {"execDuration", run_time(*before, record.at)}});
  }
  publish_networks(*before, before->endpoints, "disconnect");
  publish_unmounts(*before);
  forget_execs_of(container->id);

  bool recorded = attempt(*after, "recording how", [&] {
    fault::point("exit.published");
    if (after->spec->host.auto_remove && !container->restarting_by_hand)
      remove_automatically(container);
    else
      persist(*container);
    fault::point("exit.recorded");
  });
  if (!is_own_runtime(after->spec->host.runtime))
    attempt(*after, "deleting it", [&] { delete_lost_foreign(directory); });
  destroy_cgroup(*after);
  attempt(*after, "clearing up", [&] {
    release_shared_memory(configuration, container->id);
    services.volumes.release_all(container->id);
    fault::point("exit.cgroup");
    // As long as the database does not know, the exit record in there is all that does.
    if (recorded && !directory.empty()) remove_tree(directory);
    fault::point("exit.cleared");
  });
  {
    std::scoped_lock lock(container->mutex);
    container->tearing_down = false;
    container->changed.notify_all();
  }
  if (restart) schedule_restart(container, *after);
}

bool Engine::Impl::policy_allows(const State& state, int exit_code) {
  const RestartPolicy& policy = state.spec->host.restart_policy;
  if (state.spec->host.auto_remove) return false;
  if (policy.name == "always") return true;
  if (policy.name == "unless-stopped") return !state.manually_stopped;
  if (policy.name != "on-failure" || exit_code == 0) return false;
  return policy.maximum_retry_count == 0 || state.restart_count < policy.maximum_retry_count;
}

void Engine::Impl::schedule_restart(const LivePtr& container, const State& state) {
  std::chrono::nanoseconds delay = kFirstDelay;
  std::weak_ptr<Live> weak = container;
  std::scoped_lock lock(container->mutex);
  if (container->state()->status != Status::kRestarting) return;  // given up already
  if (state.finished.nanoseconds - state.started.nanoseconds > kStableRun) container->backoff_step = 0;
  for (int step = 0; step < container->backoff_step && delay < kLongestDelay; ++step) delay *= 2;
  ++container->backoff_step;
  container->restart_timer =
      services.reactor.after(std::min<std::chrono::nanoseconds>(delay, kLongestDelay), [this, weak] {
        if (weak.expired()) return;
        background.run([this, weak] {
          if (auto live = weak.lock()) restart_by_policy(live);
        });
      });
}

void Engine::Impl::restart_by_policy(const LivePtr& container) {
  std::scoped_lock operation(container->operation);
  auto state = container->state();
  if (state->status != Status::kRestarting) return;  // stopped or removed meanwhile
  if (!policy_allows(*state, state->exit_code)) {    // the policy was changed meanwhile
    give_up_restarting(container);
    return;
  }
  container->change([](State& s) { ++s.restart_count; });
  try {
    start_locked(container, StartedBy::kPolicy);
  } catch (const Error& e) {
    log::warn("container ", state->name, " could not be restarted: ", e.message());
  }
}

bool Engine::Impl::give_up_restarting(const LivePtr& container) {
  cancel_restart(*container);
  {
    std::unique_lock lock(container->mutex);
    container->changed.wait(lock, [&] { return !container->starting; });
    if (container->state()->status != Status::kRestarting) return false;
    ++container->exits;  // for waiters: it will not come back
    container->change_locked([](State& state) { state.status = Status::kExited; });
  }
  persist(*container);
  return true;
}

void Engine::Impl::cancel_restart(Live& container) {
  std::uint64_t timer = 0;
  {
    std::scoped_lock lock(container.mutex);
    timer = std::exchange(container.restart_timer, 0);
    container.backoff_step = 0;
  }
  if (timer) services.reactor.cancel(timer);
}

void Engine::Impl::destroy_cgroup(const State& state) {
  try {
    auto cgroup = cgroup_of(state);
    if (!cgroup->exists()) return;
    cgroup->kill_all();
    cgroup->remove();
  } catch (const Error& e) {
    log::warn("cannot remove the control group of container ", state.name, ": ", e.message());
  }
}

}  // namespace hull::container
