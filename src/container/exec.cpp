// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/trace.h"
#include "container/engine_impl.h"
#include "container/foreign_runtime.h"
#include "container/link_use.h"
#include "container/normalize.h"
#include "container/oci_config.h"

namespace hull::container {

namespace {

constexpr auto kRemembered = std::chrono::minutes(5);  // how long a finished exec can at least still be inspected …
constexpr std::size_t kMostRemembered = 1000;          // … unless so many have ended after it

constexpr auto kMessageOnItsWay = std::chrono::seconds(2);
constexpr auto kStartPatience = std::chrono::seconds(10);

std::string shown_command(const ExecSpec& spec) {
  std::string text;
  for (const auto& word : *spec.cmd) text += " " + word;
  return text;
}

UniqueFd open_root(const State& state) { return open_file(cat("/proc/", state.pid, "/root"), O_PATH | O_DIRECTORY); }

void refuse_exec(const State& state, std::string_view name) {
  require_running(state);
  if (state.status == Status::kPaused)
    fail(Kind::kConflict, "Container ", name, " is paused, unpause the container before exec");
}

int exit_code_of(const runtime::Failure& failure) {
  return failure.code == EACCES || failure.code == EISDIR ? 126 : 127;
}

}  // namespace

std::string Engine::exec_create(std::string_view name, ExecSpec spec) {
  auto container = impl_->registry.get(name);
  if (spec.cmd && !spec.cmd->empty()) refuse_exec(*container->state(), name);  // with the name that the client knows
  return impl_->create_exec(*container, std::move(spec))->state.id;
}

LiveExecPtr Engine::Impl::create_exec(const Live& container, ExecSpec spec) {
  auto state = container.state();
  if (!spec.cmd || spec.cmd->empty()) fail_invalid("No exec command specified");
  refuse_exec(*state, state->id);
  if (!spec.detach_keys.empty()) parse_detach_keys(spec.detach_keys);
  build_exec_process(*state, spec, open_root(*state).get());  // refuses unknown users now

  auto exec = std::make_shared<LiveExec>();
  exec->state.id = random_id();
  exec->state.container_id = state->id;
  exec->state.spec = std::move(spec);
  {
    std::scoped_lock lock(execs_mutex);
    execs[exec->state.id] = exec;
  }
  fault::point("exec.created");
  publish(*state, "exec_create:" + shown_command(exec->state.spec), {{"execID", exec->state.id}});
  return exec;
}

LiveExecPtr Engine::Impl::get_exec(const std::string& exec_id) const {
  std::scoped_lock lock(execs_mutex);
  auto found = execs.find(exec_id);
  if (found == execs.end()) fail(Kind::kNotFound, "No such exec instance: ", exec_id);
  return found->second;
}

ExecState Engine::exec_inspect(const std::string& exec_id) const {
  auto exec = impl_->get_exec(exec_id);
  std::unique_lock lock(exec->mutex);
  // Clients ask right after the end of the stream, and take the answer as final. The process may be gone (or never
  // have come to be) while the message about it is still on its way: wait for that message then.
  auto certain = [&] {
    const ExecState& state = exec->state;
    return !state.running || (state.pid > 0 && exists(cat("/proc/", state.pid)));
  };
  exec->ended.wait_for(lock, kMessageOnItsWay, certain);
  return exec->state;
}

namespace {

// Marks it as started, exactly once.
ExecSpec claim(LiveExec& exec, const ExecStart& start) {
  std::scoped_lock lock(exec.mutex);
  if (exec.state.running) fail(Kind::kConflict, "exec command ", exec.state.id, " is already running");
  if (exec.state.started) fail(Kind::kConflict, "exec command ", exec.state.id, " has already run");
  exec.state.started = exec.state.running = true;
  if (!start.console_size.empty()) exec.state.spec.console_size = start.console_size;
  return exec.state.spec;
}

}  // namespace

void Engine::exec_start(const std::string& exec_id, ExecStart start) {
  auto exec = impl_->get_exec(exec_id);
  auto container = impl_->registry.get(exec->state.container_id);
  Trace trace(impl_->configuration.trace, cat("exec ", short_id(exec_id)));
  try {
    impl_->start_exec(container, exec, start);
  } catch (const runtime::StartError& e) {
    // With a stream the client has the message already, and asks for the exit code next.
    if (start.detach || !start.take_stream) throw Error(Kind::kInvalidArgument, e.message(), e.code());
  }
  trace.step("exec");
}

void Engine::Impl::start_exec(const LivePtr& container, const LiveExecPtr& exec, ExecStart& start) {
  refuse_exec(*container->state(), container->id);
  ExecSpec spec = claim(*exec, start);
  try {
    fault::point("exec.claimed");
    run_exec(container, *exec, spec, start);
  } catch (const runtime::StartError& e) {
    exec_ended(exec->state.id, {exit_code_of(e.failure())});
    throw;
  } catch (...) {
    exec_ended(exec->state.id, {126});
    throw;
  }
}

void Engine::Impl::run_exec(const LivePtr& container, LiveExec& exec, const ExecSpec& spec, ExecStart& start) {
  auto state = container->state();
  shim::ExecRequest request;
  request.id = exec.state.id;
  request.process = build_exec_process(*state, spec, open_root(*state).get(),
                                       has_links(*state->spec) ? link_variables(*this, *state) : Strings{});
  if (!spec.privileged) request.seccomp_program = seccomp_program(*state, configuration);
  request.open_stdin = spec.attach_stdin && !start.detach;
  request.time_limit = start.time_limit;
  std::shared_ptr<shim::Client> shim;
  std::string directory;
  {
    std::scoped_lock lock(container->mutex);
    shim = container->shim;
    directory = container->run_directory;
  }
  if (!shim) fail(Kind::kConflict, "container ", state->id, " is not running");
  prepare_foreign_exec(request, *state, directory);
  if (!start.detach) {
    shim::Stream stream = start.take_stream(start.tty);
    stream.in = spec.attach_stdin;
    stream.out = spec.attach_stdout;
    stream.err = spec.attach_stderr;
    if (!spec.detach_keys.empty())
      stream.detach_keys = parse_detach_keys(spec.detach_keys);
    else if (spec.tty)
      stream.detach_keys = kDefaultDetachKeys;
    request.streams.push_back(std::move(stream));
  }
  exec.shim = shim;
  container->change([&](State& s) { s.running_execs.push_back(exec.state.id); });
  // Before its end can be told.
  publish(*state, "exec_start:" + shown_command(spec), {{"execID", exec.state.id}});
  fault::point("exec.asked");
  pid_t pid = shim->exec(std::move(request));
  fault::point("exec.started");
  {
    std::scoped_lock lock(exec.mutex);
    exec.state.pid = pid;
    exec.ended.notify_all();
  }
}

void Engine::Impl::exec_ended(const std::string& exec_id, const shim::ExecExit& exit) {
  LiveExecPtr exec;
  {
    std::scoped_lock lock(execs_mutex);
    auto found = execs.find(exec_id);
    if (found == execs.end()) return;
    exec = found->second;
  }
  {
    std::scoped_lock lock(exec->mutex);
    if (exec->state.exit_code) return;
    exec->state.running = false;
    exec->state.exit_code = exit.code;
    exec->ended.notify_all();
  }
  if (auto container = registry.find(exec->state.container_id)) {
    auto state = container->change([&](State& s) { std::erase(s.running_execs, exec_id); });
    publish(*state, "exec_die", {{"execID", exec_id}, {"exitCode", cat(exit.code)}});
  }
  if (exec->on_end) {
    {
      std::scoped_lock lock(execs_mutex);
      execs.erase(exec_id);
    }
    exec->on_end(exit);
    return;
  }
  remember_ended(exec_id);
}

void Engine::Impl::remember_ended(const std::string& exec_id) {
  std::scoped_lock lock(execs_mutex);
  ended_execs.push_back({exec_id, monotonic_nanoseconds()});
  if (ended_execs.size() > kMostRemembered) {
    execs.erase(ended_execs.front().id);
    ended_execs.pop_front();
  }
  if (std::exchange(forgetting_execs, true)) return;
  background.run_after(kRemembered, [this] { forget_old_execs(); });
}

void Engine::Impl::forget_old_execs() {
  std::scoped_lock lock(execs_mutex);
  std::int64_t limit = monotonic_nanoseconds() - std::chrono::nanoseconds(kRemembered).count();
  for (; !ended_execs.empty() && ended_execs.front().at <= limit; ended_execs.pop_front())
    execs.erase(ended_execs.front().id);
  forgetting_execs = !ended_execs.empty();
  if (forgetting_execs) background.run_after(kRemembered, [this] { forget_old_execs(); });
}

void Engine::Impl::forget_execs_of(const std::string& container_id) {
  std::vector<std::string> running;
  {
    std::scoped_lock lock(execs_mutex);
    std::erase_if(execs, [&](const auto& entry) {
      const auto& [id, exec] = entry;
      std::scoped_lock inner(exec->mutex);
      if (exec->state.container_id != container_id) return false;
      if (exec->state.running) running.push_back(id);
      return !exec->state.started;  // it was made for a process that is gone
    });
  }
  for (const auto& id : running) exec_ended(id, {137});
}

void Engine::exec_resize(const std::string& exec_id, std::uint32_t height, std::uint32_t width) {
  auto exec = impl_->get_exec(exec_id);
  std::shared_ptr<shim::Client> shim;
  {
    std::unique_lock lock(exec->mutex);
    require_running(*impl_->registry.get(exec->state.container_id)->state());
    // Clients send the size right beside the start, which may take its time.
    auto begun = [&] { return exec->state.exit_code || (exec->state.running && exec->state.pid > 0); };
    if (!exec->ended.wait_for(lock, kStartPatience, begun))
      fail(Kind::kInternal, "timeout waiting for exec session ready: ", exec_id);
    if (exec->state.exit_code) fail(Kind::kConflict, "exec process is not running: ", exec_id);
    shim = exec->shim.lock();
  }
  if (!shim) fail(Kind::kConflict, "exec process is not running: ", exec_id);
  shim->resize_exec(exec_id, static_cast<std::uint16_t>(height), static_cast<std::uint16_t>(width));
}

void Engine::Impl::remove_execs_of(const std::string& container_id) {
  std::scoped_lock lock(execs_mutex);
  std::erase_if(execs, [&](const auto& entry) { return entry.second->state.container_id == container_id; });
}

}  // namespace hull::container
