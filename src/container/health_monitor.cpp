// SPDX-License-Identifier: Apache-2.0
#include "container/health_monitor.h"

#include <sys/epoll.h>

#include <array>
#include <csignal>

#include "base/log.h"
#include "linux/stream_io.h"
#include "linux/unix_socket.h"

namespace hull::container {

namespace {

// A time limit below a millisecond would be none.
std::chrono::milliseconds rounded_up(std::chrono::nanoseconds duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

ExecSpec probe_spec(const HealthPlan& plan) {
  ExecSpec spec;
  spec.attach_stdout = spec.attach_stderr = true;
  spec.cmd = plan.command;
  return spec;
}

}  // namespace

HealthMonitor::HealthMonitor(Engine::Impl& engine, const LivePtr& container, HealthPlan plan)
    : engine_(engine), container_(container), plan_(std::move(plan)) {}

void HealthMonitor::begin() { schedule(); }

void HealthMonitor::end() {
  linux::Reactor::Id timer = 0, watch = 0;
  {
    std::scoped_lock lock(mutex_);
    over_ = true;
    timer = std::exchange(timer_, 0);
    if (probe_) watch = std::exchange(probe_->watch, 0);
  }
  // Not with the lock: cancel() waits for a callback that runs, and that takes the lock.
  engine_.services.reactor.cancel(timer);
  engine_.services.reactor.cancel(watch);
  std::scoped_lock lock(mutex_);
  probe_.reset();
}

void HealthMonitor::schedule() {
  auto container = container_.lock();
  if (!container) return;
  auto state = container->state();
  if (!state->health) return;
  std::scoped_lock lock(mutex_);
  if (over_) return;
  auto delay = next_check(plan_, *state->health, state->started, now());
  timer_ = engine_.services.reactor.after(delay, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self) return;
    self->engine_.background.run([self] { self->run_probe(); });
  });
}

void HealthMonitor::run_probe() {
  auto container = container_.lock();
  if (!container) return;
  auto [ours, theirs] = linux::make_socket_pair();
  {
    std::scoped_lock lock(mutex_);
    if (over_) return;
    timer_ = 0;
    probe_.emplace();
    probe_->start = now();
  }
  ExecStart start;
  start.time_limit = rounded_up(plan_.timeout);
  start.take_stream = [&, &far_end = theirs](bool) {
    shim::Stream stream;
    stream.socket = std::move(far_end);
    return stream;
  };
  try {
    auto exec = engine_.create_exec(*container, probe_spec(plan_));
    exec->on_end = [weak = weak_from_this()](const shim::ExecExit& exit) {
      if (auto self = weak.lock()) self->on_exit(exit);
    };
    engine_.start_exec(container, exec, start);
    watch_output(std::move(ours));
  } catch (const Error& e) {
    std::unique_lock lock(mutex_);
    if (over_ || !probe_) return;
    HealthResult result{probe_->start, now(), kNoHealthResult, e.message()};
    probe_.reset();
    lock.unlock();
    finish(std::move(result));
  }
}

void HealthMonitor::watch_output(UniqueFd socket) {
  std::scoped_lock lock(mutex_);
  if (over_ || !probe_) return;
  probe_->socket = std::move(socket);
  probe_->watch = engine_.services.reactor.watch(probe_->socket.get(), EPOLLIN | EPOLLRDHUP,
                                                 [weak = weak_from_this()](std::uint32_t) {
                                                   if (auto self = weak.lock()) self->read_output();
                                                 });
}

void HealthMonitor::read_output() {
  std::optional<HealthResult> result;
  {
    std::scoped_lock lock(mutex_);
    if (over_ || !probe_ || !probe_->socket) return;
    std::array<char, 4096> buffer;
    auto read = linux::try_receive(probe_->socket.get(), buffer);
    if (read.status == linux::IoStatus::kWouldBlock) return;
    if (read.status == linux::IoStatus::kDone) {
      probe_->output.append({buffer.data(), read.bytes});
      return;
    }
    engine_.services.reactor.cancel(std::exchange(probe_->watch, 0));
    probe_->socket.reset();
    probe_->output_ended = true;
    result = completed();
  }
  if (result) finish(std::move(*result));
}

void HealthMonitor::on_exit(const shim::ExecExit& exit) {
  std::optional<HealthResult> result;
  {
    std::scoped_lock lock(mutex_);
    if (over_ || !probe_) return;
    probe_->exit = exit;
    result = completed();
  }
  if (result) finish(std::move(*result));
}

// When it has ended and all of its output is here (either may come first). With the lock held.
std::optional<HealthResult> HealthMonitor::completed() {
  if (!probe_->exit || !probe_->output_ended) return std::nullopt;
  std::string output = probe_->output.text();
  HealthResult result{probe_->start, now(), probe_->exit->code, output};
  if (probe_->exit->timed_out) {
    result.exit_code = kNoHealthResult;
    result.output = timeout_text(plan_.timeout, output);
  }
  probe_.reset();
  return result;
}

void HealthMonitor::finish(HealthResult result) {
  auto container = container_.lock();
  if (!container) return;
  bool changed = false, unhealthy = false;
  StatePtr state;
  {
    std::scoped_lock lock(container->mutex);
    if (container->health_monitor.get() != this || !container->state()->health) return;
    state = container->change_locked([&](State& s) {
      std::string before = s.health->status;
      take_result(*s.health, plan_, std::move(result), s.started);
      changed = s.health->status != before;
      unhealthy = s.health->status == "unhealthy";
    });
  }
  if (changed) engine_.publish(*state, "health_status: " + state->health->status);
  if (changed && unhealthy) engine_.background.run([self = shared_from_this(), container] { self->act(container); });
  schedule();
}

// What the user wants to be done about an unhealthy container.
void HealthMonitor::act(const LivePtr& container) {
  auto state = container->state();
  const std::string& action = state->spec->config.health_on_failure;
  if (action.empty() || action == "none") return;
  log::info("container ", state->name, " is unhealthy: ", action);
  try {
    if (action == "restart") return engine_.restart(container, {}, {});
    if (action == "stop") return engine_.stop(container, {}, {}, {});
    // The restart policy decides what comes then, as after any other death.
    engine_.publish(*state, "kill", {{"signal", cat(SIGKILL)}});
    engine_.send_signal(container, SIGKILL);
  } catch (const Error& e) {
    log::warn("container ", state->name, " is unhealthy, and cannot be dealt with (", action, "): ", e.message());
  }
}

// The run of a container has begun (or goes on after a pause).
void Engine::Impl::begin_health_checks(const LivePtr& container) {
  auto plan = health_plan(container->state()->spec->config);
  if (!plan) return;
  auto monitor = std::make_shared<HealthMonitor>(*this, container, std::move(*plan));
  {
    std::scoped_lock lock(container->mutex);
    if (container->state()->status != Status::kRunning || container->health_monitor) return;
    container->health_monitor = monitor;
  }
  monitor->begin();
}

void Engine::Impl::end_health_checks(Live& container) {
  std::shared_ptr<HealthMonitor> monitor;
  {
    std::scoped_lock lock(container.mutex);
    monitor = std::exchange(container.health_monitor, nullptr);
  }
  if (monitor) monitor->end();
}

void Engine::Impl::reset_health(State& state) {
  if (!health_plan(state.spec->config)) {
    state.health.reset();
    return;
  }
  if (!state.health) state.health.emplace();
  state.health->status = "starting";
  state.health->failing_streak = 0;
}

}  // namespace hull::container
