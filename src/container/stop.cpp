// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "container/engine_impl.h"
#include "container/normalize.h"
#include "linux/pidfd.h"

// stop, kill, restart: none of them holds the operation lock while it waits, so that a container that does not
// want to end can always be hit harder.
namespace hull::container {

namespace {

using namespace std::chrono_literals;

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

void Engine::Impl::thaw_if_paused(const LivePtr& container) {
  if (container->state()->status != Status::kPaused) return;
  cgroup_of(*container->state())->thaw();
  auto state = container->change([](State& s) {
    if (s.status == Status::kPaused) s.status = Status::kRunning;
  });
  publish(*state, "unpause");
}

void Engine::Impl::stop(const LivePtr& container, std::optional<int> timeout, const std::string& signal,
                        std::stop_token stop_token) {
  auto state = container->state();
  int number = signal.empty() ? stop_signal_of(*state) : parse_signal(signal);
  int seconds = timeout.value_or(state->spec->config.stop_timeout.value_or(configuration.default_stop_timeout));
  std::uint64_t exits = exits_of(*container);
  {
    std::scoped_lock lock(container->mutex);
    container->no_restart = true;
  }
  container->change([](State& s) { s.manually_stopped = true; });
  if (!is_up(*state)) return;
  thaw_if_paused(container);

  publish(*state, "kill", {{"signal", cat(number)}});
  send_signal(container, number);
  std::optional<std::chrono::nanoseconds> patience;
  if (seconds >= 0) patience = std::chrono::seconds(seconds);
  if (!wait_for_exit(*container, exits, patience, stop_token)) {
    if (stop_token.stop_requested()) fail(Kind::kCancelled, "the client of stop went away");
    publish(*state, "kill", {{"signal", cat(SIGKILL)}});
    send_signal(container, SIGKILL);
    if (!wait_for_exit(*container, exits, kAfterKill))
      fail(Kind::kInternal, "cannot stop container ", state->name,
           ": it did not end within 10 seconds of SIGKILL; it may hang in the kernel (see /proc/", state->pid,
           "/stack)");
  }
  publish(*container->state(), "stop");
}

void Engine::stop(std::string_view name, std::optional<int> timeout, const std::string& signal,
                  std::stop_token stop_token) {
  auto container = impl_->registry.get(name);
  if (container->state()->status == Status::kRestarting) {
    impl_->cancel_restart(*container);
    container->change([](State& s) {
      if (s.status == Status::kRestarting) s.status = Status::kExited;
      s.manually_stopped = true;
    });
    impl_->persist(*container);
    return;
  }
  if (!is_up(*container->state())) fail(Kind::kNotModified, "container ", container->id, " is not running");
  impl_->stop(container, timeout, signal, stop_token);
}

void Engine::kill(std::string_view name, const std::string& signal) {
  auto container = impl_->registry.get(name);
  int number = signal.empty() ? SIGKILL : parse_signal(signal);
  auto state = container->state();
  if (!is_up(*state))
    fail(Kind::kConflict, "cannot kill container: ", name, ": container ", state->id, " is not running");
  std::uint64_t exits = exits_of(*container);
  const std::string& configured = state->spec->config.stop_signal;
  // A signal that is not meant to end the container leaves its restart policy alone.
  if (number == SIGKILL || configured.empty() || number == stop_signal_of(*state)) {
    std::scoped_lock lock(container->mutex);
    container->no_restart = true;
  }
  container->change([](State& s) { s.manually_stopped = true; });
  if (number == SIGKILL) impl_->thaw_if_paused(container);
  impl_->send_signal(container, number);
  impl_->publish(*state, "kill", {{"signal", cat(number)}});
  if (number == SIGKILL && !impl_->wait_for_exit(*container, exits, kAfterKill))
    fail(Kind::kInternal, "cannot kill container ", state->name, ": it did not end within 10 seconds of SIGKILL");
}

void Engine::restart(std::string_view name, std::optional<int> timeout, const std::string& signal) {
  auto container = impl_->registry.get(name);
  impl_->cancel_restart(*container);
  struct ByHand {
    Live& live;
    explicit ByHand(Live& l) : live(l) { set(true); }
    ~ByHand() { set(false); }
    void set(bool value) {
      std::scoped_lock lock(live.mutex);
      live.restarting_by_hand = value;
    }
  } by_hand(*container);
  impl_->stop(container, timeout, signal, {});
  container->change([](State& s) { s.manually_stopped = false; });
  impl_->start(container);
  impl_->publish(*container->state(), "restart");
}

}  // namespace hull::container
