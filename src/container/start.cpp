// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/rollback.h"
#include "base/trace.h"
#include "container/engine_impl.h"
#include "container/foreign_runtime.h"
#include "container/hook_bundle.h"
#include "container/link_use.h"
#include "container/log_drivers.h"
#include "container/mount_use.h"
#include "container/network_plan.h"
#include "container/normalize.h"
#include "container/oci_config.h"
#include "container/restore_plan.h"
#include "container/shared_memory.h"
#include "container/user_namespace.h"

// The way from "created" or "exited" to "running".
//
//   1. decide       the container is marked as starting; whoever attaches now waits
//   2. network      a namespace, plugged in; recorded before it exists
//   3. rootfs       the layers and the writable directory as one detached mount
//   4. configure    the OCI configuration
//   5. shim         from here on the container's first process exists
//   6. publish      the state is "running", waiting attaches go on
//
// Until 6 a failure takes everything back, and is kept as the container's error.
namespace hull::container {

namespace {

// A command that cannot be run is the mistake of whoever gave it, the rest is ours. The codes are a shell's.
struct StartVerdict {
  int exit_code;
  Kind kind;
};
StartVerdict judge(const runtime::Failure& failure) {
  if (failure.step == runtime::Step::kExec || failure.step == runtime::Step::kWorkingDirectory) {
    if (failure.code == EACCES || failure.code == EISDIR) return {126, Kind::kInvalidArgument};
    if (failure.code == ENOENT || failure.code == ENOTDIR) return {127, Kind::kInvalidArgument};
  }
  return {128, Kind::kInternal};
}

// The container of "container:<id>"; nullptr for another mode. Error{kInternal} when it does not run.
StatePtr container_of_mode(Engine::Impl& engine, const std::string& mode, std::string_view what) {
  constexpr std::string_view kPrefix = "container:";
  if (!mode.starts_with(kPrefix)) return nullptr;
  auto target = engine.registry.get(std::string_view(mode).substr(kPrefix.size()))->state();
  if (!is_up(*target))
    fail(Kind::kInternal, "failed to join ", what, " namespace: container ", target->id, " is not running");
  return target;
}

pid_t pid_for_processes(Engine::Impl& engine, const HostConfig& host) {
  auto target = container_of_mode(engine, host.pid_mode, "PID");
  return target ? target->pid : 0;
}

pid_t pid_for_ipc(Engine::Impl& engine, const HostConfig& host) {
  auto donor = container_of_mode(engine, host.ipc_mode, "IPC");
  if (donor && donor->spec->host.ipc_mode != "shareable")
    fail_invalid("cannot join IPC of a container ", donor->id,
                 ": non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
  return donor ? donor->pid : 0;
}

void check_startable(const State& state) {
  switch (state.status) {
    case Status::kRunning: fail(Kind::kNotModified, "container ", state.id, " is running already");
    case Status::kPaused: fail(Kind::kConflict, "cannot start a paused container, try unpause instead");
    case Status::kRemoving:
    case Status::kDead: fail(Kind::kConflict, "container ", state.id, " is marked for removal and cannot be started");
    case Status::kCreated:
    case Status::kRestarting:
    case Status::kExited: return;
  }
}

// What start_locked() puts together, and takes back when it does not work out.
struct Attempt {
  State state;  // as it will be published
  std::uint64_t run = 0;
  std::string directory;
  std::vector<shim::Stream> streams;
};

Attempt begin(Live& container, StartedBy by) {
  std::unique_lock lock(container.mutex);
  // What is left of the last run has the same names (control group) as what is about to be made; and whoever has the
  // head of an attach answer may count on the very first byte of output.
  container.changed.wait(lock, [&] { return !container.tearing_down && container.attaching == 0; });
  if (by == StartedBy::kPolicy && container.state()->status != Status::kRestarting)
    fail(Kind::kCancelled, "the restart of container ", container.id, " was given up");
  check_startable(*container.state());
  Attempt attempt;
  attempt.state = *container.state();
  attempt.run = ++container.run;
  attempt.streams = std::exchange(container.pending_streams, {});
  container.starting = true;
  container.no_restart = false;
  container.early_exit.reset();
  container.out_of_memory = false;
  return attempt;
}

shim::StartRequest request_of(Attempt& attempt, const Configuration& configuration, const std::string& directory) {
  const Config& config = attempt.state.spec->config;
  shim::StartRequest request;
  request.id = attempt.state.id;
  request.cgroup_driver = configuration.cgroup_driver;
  request.log = plan_log(attempt.state, configuration, directory);
  if (request.log.file && request.log.file->path.find("/local-logs/") != std::string::npos)
    make_directories(directory + "/local-logs", 0710);
  request.open_stdin = config.open_stdin;
  request.stdin_once = config.stdin_once;
  request.streams = std::move(attempt.streams);
  return request;
}

}  // namespace

void Engine::start(std::string_view name, const std::optional<std::string>&) {
  auto container = impl_->registry.get(name);
  impl_->start_by_hand(container);
}

void Engine::Impl::start_by_hand(const LivePtr& container, const std::string& checkpoint) {
  cancel_restart(*container);
  try {
    std::scoped_lock operation(container->operation);
    start_locked(container, StartedBy::kHand, checkpoint);
  } catch (const Error& e) {
    bool never_ran = e.kind() != Kind::kNotModified && e.kind() != Kind::kConflict;
    if (never_ran && container->state()->spec->host.auto_remove) remove_automatically(container);
    throw;
  }
}

void Engine::Impl::start_locked(const LivePtr& container, StartedBy by, const std::string& checkpoint) {
  Trace trace(configuration.trace, cat("start ", short_id(container->id)));
  Attempt attempt = begin(*container, by);
  State& state = attempt.state;
  Rollback rollback;
  try {
    fault::point("start.begun");
    shim::StartRequest request = request_of(attempt, configuration, container_directory(state.id));
    rollback.add("network", [&] { services.networks.detach(container->id); });
    PreparedUsers users = prepare_users(*this, state);
    auto network = prepare_network(*this, state, users.network.get());
    trace.step("network");
    fault::point("start.network");

    request.rootfs = mounts_ahead.take(state.id);
    if (!request.rootfs)
      request.rootfs = services.snapshots.mount(state.id, state.spec->host.auto_remove, users.id_map());
    trace.step("rootfs");
    fault::point("start.rootfs");

    rollback.add("volumes", [&] { services.volumes.release_all(container->id); });
    use_volumes(state, services.volumes);
    std::vector<UniqueFd> sources;
    ConfigInputs inputs{state, configuration};
    inputs.image_layers = image_layers(state, services.snapshots);
    inputs.sources = &sources;
    inputs.rootfs = request.rootfs.get();
    inputs.ipc_target = pid_for_ipc(*this, state.spec->host);
    inputs.pid_target = pid_for_processes(*this, state.spec->host);
    inputs.own_network_namespace = network.network_namespace.valid();
    inputs.users = users.range;
    if (has_links(*state.spec)) inputs.link_variables = link_variables(*this, state);
    request.config = build_config(inputs);
    request.seccomp_program = seccomp_program(state, configuration);
    request.network_namespace = std::move(network.network_namespace);
    request.user_namespace = std::move(users.users);
    trace.step("configure");
    fault::point("start.configured");

    attempt.directory = run_directory(state.id, random_hex(2));
    rollback.add("run directory", [&] { remove_tree(attempt.directory); });
    rollback.add("container of another runtime", [&] { delete_lost_foreign(attempt.directory); });
    make_directories(attempt.directory, 0711);
    prepare_foreign(request, state, *defaults(), attempt.directory);
    if (!checkpoint.empty()) plan_restore(request, state, checkpoint);
    if (request.runtime.program.empty()) write_hook_bundle(attempt.directory, request.config);
    std::shared_ptr<shim::Client> shim = services.shims.launch(attempt.directory, events_of(container, attempt.run));
    trace.step("launch");
    fault::point("start.launched");
    // The shim takes back what it makes, unless it is killed.
    rollback.add("control group", [&] { destroy_cgroup(state); });
    auto started = shim->start(std::move(request));  // from here on the container's first process exists
    rollback.commit();
    relay_ports(*shim, {}, network.endpoints);
    trace.step("shim");
    fault::point("start.started");

    publish_mounts(state);
    publish_networks(state, network.endpoints, "connect");
    std::optional<shim::ExitRecord> early_exit;
    {
      std::scoped_lock lock(container->mutex);
      container->shim = std::move(shim);
      container->pidfd = std::make_shared<UniqueFd>(std::move(started.pidfd));
      container->run_directory = attempt.directory;
      container->starting = false;
      early_exit = container->early_exit;
      auto published = container->change_locked([&](State& next) {
        next.status = Status::kRunning;
        next.pid = started.pid;
        next.started = started.at;
        next.exit_code = 0;
        next.error.clear();
        next.oom_killed = false;
        if (by == StartedBy::kHand) {
          next.restart_count = 0;
          next.manually_stopped = false;
        }
        reset_health(next);
        next.endpoints = network.endpoints;
        next.hosts_path = state.hosts_path;
        next.hostname_path = state.hostname_path;
        next.resolv_conf_path = state.resolv_conf_path;
      });
      publish(*published, "start");  // before its end can be told
    }
    if (linked) follow_links(*this, *container->state());
    if (early_exit)
      background.run([=, this] { finish_exit(container, *early_exit); });
    else
      record_start(*container);
    begin_health_checks(container);
    make_ready();
    trace.step("publish");
  } catch (const Error& e) {
    rollback.undo();
    release_shared_memory(configuration, container->id);
    throw start_failed(container, e);
  }
}

// The container runs: a disk that is full does not change that any more. The next engine finds it by its shim.
void Engine::Impl::record_start(Live& container) {
  try {
    fault::point("start.published");
    persist(container);
    fault::point("start.recorded");
  } catch (const Error& e) {
    log::warn("the start of container ", container.state()->name, " is not recorded: ", e.message());
  }
}

Error Engine::Impl::start_failed(const LivePtr& container, const Error& error) {
  StartVerdict verdict{128, error.kind()};
  if (const auto* failure = dynamic_cast<const runtime::StartError*>(&error)) verdict = judge(failure->failure());
  {
    std::scoped_lock lock(container->mutex);
    container->starting = false;
    if (container->state()->status == Status::kRestarting) ++container->exits;  // the last one is final now
    container->change_locked([&](State& state) {
      state.exit_code = verdict.exit_code;
      state.error = error.message();
      if (state.status == Status::kRestarting) state.status = Status::kExited;
    });
  }
  try {
    persist(*container);
  } catch (const Error& e) {  // what the client hears is why it did not start
    log::warn("the failed start of container ", container->state()->name, " is not recorded: ", e.message());
  }
  return Error(verdict.kind, error.message(), error.code(), error.operation());
}

shim::Events Engine::Impl::events_of(const LivePtr& container, std::uint64_t run) {
  std::weak_ptr<Live> weak = container;
  auto in_background = [this, weak](auto work) {
    background.run([weak, work = std::move(work)] {
      if (auto live = weak.lock()) work(live);
    });
  };
  shim::Events events;
  events.exited = [=, this](const shim::ExitRecord& record) {
    in_background([this, run, record](const LivePtr& live) { exited(live, run, record); });
  };
  events.lost = [=, this] { in_background([this, run](const LivePtr& live) { shim_lost(live, run); }); };
  events.exec_exited = [this](const std::string& exec_id, const shim::ExecExit& exit) { exec_ended(exec_id, exit); };
  events.out_of_memory = [this, weak] {
    auto live = weak.lock();
    if (!live) return;
    live->change([](State& state) { state.oom_killed = true; });
    publish(*live->state(), "oom");
  };
  events.detached = [this, weak](const std::string& exec_id) {
    auto live = weak.lock();
    if (!live) return;
    if (exec_id.empty())
      publish(*live->state(), "detach");
    else
      publish(*live->state(), "exec_detach", {{"execID", exec_id}});
  };
  return events;
}

}  // namespace hull::container
