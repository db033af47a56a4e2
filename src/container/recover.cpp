// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/log.h"
#include "container/engine_impl.h"
#include "container/foreign_runtime.h"
#include "container/link_use.h"
#include "container/mount_use.h"
#include "container/network_plan.h"
#include "container/persistent.h"
#include "container/shared_memory.h"
#include "container/volume_intent.h"

// What a new engine finds, and makes of it. The database says which containers exist; the shims say which of
// them run; exit records say how the others ended while nobody looked. Everything else that lies around under
// our names is the rest of work that a crash cut off, and is removed.
namespace hull::container {

namespace {

constexpr int kUnknownCode = 255;  // the real exit status is lost for good, as Docker words it

// "<id>.<run>" to its two parts.
std::string id_of_run(const std::string& directory_name) { return std::string(split_once(directory_name, '.').first); }

void restore_network(Engine::Impl& engine, Live& container, const network::Endpoints& endpoints) {
  auto state = container.change([&](State& s) { s.endpoints = endpoints; });
  try {
    UniqueFd network_namespace = network_namespace_of(*state);
    engine.services.networks.settle(container.id, network_namespace.get());
    engine.services.networks.serve_names(container.id, state->spec->host.dns.value_or(Strings{}),
                                         network_namespace.get());
  } catch (const Error& e) {
    log::warn("container ", state->name, " has no name server: ", e.message());
  }
  reconnect(engine, container);
}

// When all endpoints are known.
void restore_links(Engine::Impl& engine, const std::vector<LivePtr>& containers) {
  for (const auto& container : containers) {
    auto state = container->state();
    if (!is_up(*state) || !has_links(*state->spec)) continue;
    try {
      open_links(engine, *state);
    } catch (const Error& e) {
      log::warn("container ", state->name, " does not reach what it links to: ", e.message());
    }
  }
}

}  // namespace

LivePtr Engine::Impl::recover_row(const store::ContainerRow& row) {
  State state = initial_state(row.id, row.name, std::make_shared<const Spec>(decode_spec(row.spec)));
  decode_state(row.state, state);
  user_ranges.keep(state.user_range);
  auto container = std::make_shared<Live>(std::move(state));
  if (has_links(*container->state()->spec)) linked = true;
  registry.reserve_name(row.name, row.id);
  registry.add(container);
  return container;
}

// Takes up a container whose shim is alive. False when there is none in `directory`.
bool Engine::Impl::take_up(const LivePtr& container, const std::string& directory) {
  std::uint64_t run = 0;
  {
    std::scoped_lock lock(container->mutex);
    run = ++container->run;
    container->starting = true;  // an exit that is reported right now waits until the state is published
  }
  auto found = services.shims.reconnect(directory, events_of(container, run));
  if (!found || found->started.pid <= 0) {
    std::scoped_lock lock(container->mutex);
    container->starting = false;
    return false;
  }
  bool frozen = cgroup_of(*container->state())->frozen();
  {
    std::scoped_lock lock(container->mutex);
    container->shim = std::move(found->client);
    container->pidfd = std::make_shared<UniqueFd>(std::move(found->started.pidfd));
    container->run_directory = directory;
  }
  container->change([&](State& s) {
    s.status = frozen ? Status::kPaused : Status::kRunning;
    s.pid = found->started.pid;
    s.started = found->started.at;
    s.error.clear();
    s.running_execs = found->running_execs;
    reset_health(s);
  });
  std::scoped_lock lock(execs_mutex);
  for (const auto& id : found->running_execs) {
    auto exec = std::make_shared<LiveExec>();
    exec->state.id = id;
    exec->state.container_id = container->id;
    exec->state.running = exec->state.started = true;
    exec->state.spec.cmd = Strings{};
    exec->shim = container->shim;
    execs[id] = exec;
  }
  return true;
}

// Records the end of a container that ended while there was no engine.
void Engine::Impl::close_up(const LivePtr& container, const std::string& directory) {
  auto state = container->state();
  bool was_up = is_up(*state);
  auto record = directory.empty() ? std::nullopt : shim::read_exit_record(directory);
  if (!was_up && !record) return;
  auto ended = record.value_or(shim::ExitRecord{kUnknownCode, state->oom_killed, now()});
  container->change([&](State& s) {
    s.status = Status::kExited;
    s.pid = 0;
    s.exit_code = ended.code;
    s.oom_killed = s.oom_killed || ended.oom_killed;
    s.finished = ended.at;
  });
  destroy_cgroup(*state);
  persist(*container);
}

void Engine::recover() {
  Impl& self = *impl_;
  make_directories(self.configuration.exec_root + "/containers", 0711);
  make_directories(self.configuration.data_root + "/containers", 0711);
  std::multimap<std::string, std::string> runs;  // container id to its run directories
  for (const auto& name : list_directory(self.configuration.exec_root + "/containers"))
    runs.emplace(id_of_run(name), cat(self.configuration.exec_root, "/containers/", name));

  std::vector<std::string> up;
  std::vector<LivePtr> containers;
  for (const auto& row : self.services.database.containers()) {
    auto container = self.recover_row(row);
    containers.push_back(container);
    auto [begin, end] = runs.equal_range(row.id);
    bool running = false;
    std::string ended_in;
    for (auto run = begin; run != end; ++run) {
      if (!running && self.take_up(container, run->second))
        running = true;
      else if (exists(run->second + "/exit"))
        ended_in = run->second;
    }
    if (running)
      up.push_back(row.id);
    else
      self.close_up(container, ended_in);
  }

  release_stale_shared_memory(self.configuration, up);
  recover_volumes(containers, self.services.volumes);
  auto endpoints = self.services.networks.recover(up);
  for (const auto& container : containers) {
    if (auto found = endpoints.find(container->id); found != endpoints.end())
      restore_network(self, *container, found->second);
    self.settle(container);
  }
  restore_links(self, containers);
  self.remove_leftovers();
  self.revive(containers);
}

// After the state is known: lets exits that were reported meanwhile go on.
void Engine::Impl::settle(const LivePtr& container) {
  std::optional<shim::ExitRecord> early_exit;
  {
    std::scoped_lock lock(container->mutex);
    container->starting = false;
    early_exit = std::exchange(container->early_exit, std::nullopt);
  }
  if (early_exit) finish_exit(container, *early_exit);
  begin_health_checks(container);
}

// Run directories, container directories and snapshots that belong to no container, and what may still run in
// them. Those of running containers stay.
void Engine::Impl::remove_leftovers() {
  std::set<std::string> in_use;
  for (const auto& container : registry.list()) in_use.insert(container->run_directory);
  std::string runs = configuration.exec_root + "/containers";
  for (const auto& name : list_directory(runs)) {
    std::string directory = cat(runs, "/", name);
    if (in_use.contains(directory)) continue;
    std::string id = id_of_run(name);
    try {
      delete_lost_foreign(directory);
    } catch (const Error& e) {
      log::warn("what is left of container ", id, ": ", e.message());
    }
    if (!registry.find(id)) {
      State orphan;
      orphan.id = orphan.name = id;
      orphan.cgroup_path = cgroup_path(id, Spec{});
      destroy_cgroup(orphan);
    }
    remove_tree(directory);
  }
  for (const auto& name : list_directory(configuration.data_root + "/containers")) {
    if (registry.find(name)) {
      volume_intent::clear(container_directory(name));
      continue;
    }
    for (const auto& volume : volume_intent::read(container_directory(name))) services.volumes.remove_if_unused(volume);
    remove_tree(container_directory(name));
  }
  for (const auto& owner : services.database.snapshots())
    if (!registry.find(owner_of_snapshot(owner))) services.snapshots.remove(owner);
  services.snapshots.empty_trash();
}

}  // namespace hull::container
