// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "base/fault.h"
#include "base/log.h"
#include "container/engine_impl.h"
#include "container/normalize.h"
#include "linux/pidfd.h"

// stop, kill, restart: none of them holds the operation lock while it waits, so that a container that does not
// want to end can always be hit harder.
namespace hull::container {

namespace {

using namespace std::chrono_literals;

constexpr auto kSettling = 2s;    // for the exit of a process that is gone to reach us
constexpr auto kAfterKill = 10s;  // how long a SIGKILL may take before we say so

int stop_signal_of(const State& state) {
  const std::string& configured = state.spec->config.stop_signal;
  return configured.empty() ? SIGTERM : parse_signal(configured);
}

std::shared_ptr<UniqueFd> pidfd_of(Live& container) {
  std::scoped_lock lock(container.mutex);
  return container.pidfd;
}

std::uint64_t exits_of(Live& container) {
  std::scoped_lock lock(container.mutex);
  return container.exits;
}

}  // namespace

void Engine::Impl::send_signal(const LivePtr& container, int signal) {
  auto pidfd = pidfd_of(*container);
  // Gone already: its exit is on the way to us.
  if (pidfd) linux::signal_pidfd(pidfd->get(), signal);
}

bool Engine::Impl::wait_for_exit(Live& container, std::uint64_t exits, std::optional<std::chrono::nanoseconds> patience,
                                 std::stop_token stop) {
  std::unique_lock lock(container.mutex);
  auto ended = [&] { return container.exits != exits; };
  if (!patience) return container.changed.wait(lock, stop, ended);
  return container.changed.wait_for(lock, stop, *patience, ended);
}

void Engine::Impl::settle_exit(const LivePtr& container) {
  std::uint64_t exits = exits_of(*container);
  if (!is_up(*container->state())) return;
  auto pidfd = pidfd_of(*container);
  if (pidfd && linux::pidfd_ended(pidfd->get())) wait_for_exit(*container, exits, kSettling);
}

void Engine::Impl::thaw_if_paused(const LivePtr& container) {
  if (container->state()->status != Status::kPaused) return;
  cgroup_of(*container->state())->thaw();
  auto state = container->change([](State& s) {
    if (s.status == Status::kPaused) s.status = Status::kRunning;
  });
  publish(*state, "unpause");
  begin_health_checks(container);
}

namespace {

// Whoever asks for the end does not want the restart policy to undo it, now or at the next start of the engine.
// The next engine is told before it happens, should this one not live to see it.
void ask_for_end(Engine::Impl& engine, Live& container) {
  {
    std::scoped_lock lock(container.mutex);
    container.no_restart = true;
    container.change_locked([](State& state) { state.manually_stopped = true; });
  }
  const std::string& policy = container.state()->spec->host.restart_policy.name;
  if (policy.empty() || policy == "no") return;
  try {
    engine.persist(container);
  } catch (const Error& e) {  // a full disk must not keep anybody from stopping what fills it
    log::warn("that container ", container.state()->name, " was stopped by hand is not recorded: ", e.message());
  }
}

// A signal that is not meant to end the container leaves its restart policy alone.
bool ends_container(const State& state, int signal) {
  return signal == SIGKILL || state.spec->config.stop_signal.empty() || signal == stop_signal_of(state);
}

}  // namespace

void Engine::Impl::stop(const LivePtr& container, std::optional<int> timeout, const std::string& signal,
                        std::stop_token stop_token) {
  std::uint64_t exits = exits_of(*container);
  auto state = container->state();
  int number = signal.empty() ? stop_signal_of(*state) : parse_signal(signal);
  int seconds = timeout.value_or(state->spec->config.stop_timeout.value_or(defaults()->stop_timeout));
  ask_for_end(*this, *container);
  fault::point("stop.asked");
  if (is_up(*state)) {
    publish(*state, "kill", {{"signal", cat(number)}});
    send_signal(container, number);
    fault::point("stop.signalled");
    thaw_if_paused(container);
    std::optional<std::chrono::nanoseconds> patience;
    if (seconds >= 0) patience = std::chrono::seconds(seconds);
    if (!wait_for_exit(*container, exits, patience, stop_token)) {
      if (stop_token.stop_requested()) fail(Kind::kCancelled, "the client of stop went away");
      kill_now(container, exits);
    }
  }
  // It may have ended by itself just before, and be on its way back.
  fault::point("stop.ended");
  bool given_up = give_up_restarting(container);
  if (is_up(*state) || given_up) publish(*container->state(), "stop");
}

void Engine::Impl::kill_now(const LivePtr& container, std::uint64_t exits) {
  auto state = container->state();
  publish(*state, "kill", {{"signal", cat(SIGKILL)}});
  send_signal(container, SIGKILL);
  thaw_if_paused(container);
  if (wait_for_exit(*container, exits, kAfterKill)) return;
  fail(Kind::kInternal, "cannot kill container ", state->name,
       ": it did not end within 10 seconds of SIGKILL; it may hang in the kernel (see /proc/", state->pid, "/stack)");
}

void Engine::stop(std::string_view name, std::optional<int> timeout, const std::string& signal,
                  std::stop_token stop_token) {
  auto container = impl_->registry.get(name);
  auto state = container->state();
  if (!is_up(*state) && state->status != Status::kRestarting)
    fail(Kind::kNotModified, "container ", container->id, " is not running");
  impl_->stop(container, timeout, signal, stop_token);
}

void Engine::kill(std::string_view name, const std::string& signal) {
  int number = signal.empty() ? SIGKILL : parse_signal(signal);
  auto container = impl_->registry.get(name);
  auto state = container->state();
  if (!is_up(*state) && state->status != Status::kRestarting)
    fail(Kind::kConflict, "cannot kill container: ", name, ": container ", state->id, " is not running");
  impl_->kill(container, number);
}

void Engine::Impl::kill(const LivePtr& container, int number) {
  std::uint64_t exits = exits_of(*container);
  auto state = container->state();
  bool ends = ends_container(*state, number);
  if (ends)
    ask_for_end(*this, *container);
  else
    container->change([](State& s) { s.manually_stopped = true; });
  if (ends && give_up_restarting(container)) return;
  state = container->state();
  if (!is_up(*state)) return;
  if (number == SIGKILL) return kill_now(container, exits);
  publish(*state, "kill", {{"signal", cat(number)}});
  send_signal(container, number);
  if (ends) thaw_if_paused(container);
}

void Engine::restart(std::string_view name, std::optional<int> timeout, const std::string& signal) {
  impl_->restart(impl_->registry.get(name), timeout, signal);
}

void Engine::Impl::restart(const LivePtr& container, std::optional<int> timeout, const std::string& signal) {
  struct ByHand {
    Live& live;
    explicit ByHand(Live& l) : live(l) { add(1); }
    ~ByHand() { add(-1); }
    void add(int change) {
      std::scoped_lock lock(live.mutex);
      live.restarting_by_hand += change;
    }
  } by_hand(*container);
  stop(container, timeout, signal, {});
  start_by_hand(container);
  publish(*container->state(), "restart");
}

}  // namespace hull::container
