// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>

#include "archive/tar_writer.h"
#include "base/file.h"
#include "base/rollback.h"
#include "container/engine_impl.h"
#include "oci/reference.h"

// docker diff and docker commit: the writable directory of a container, compared with its layers, and as one of them.
namespace hull::container {

namespace {

// What the engine makes in the root file system of a container, where the image has nothing, to mount something on:
// nobody has changed anything by that.
bool is_placeholder(const std::string& path) {
  static constexpr std::string_view kPaths[] = {
      "/.dockerenv",   "/dev",       "/dev/console",     "/dev/mqueue", "/dev/pts", "/dev/shm",          "/etc",
      "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc",       "/sbin",    "/sbin/docker-init", "/sys"};
  return std::ranges::find(kPaths, path) != std::end(kPaths);
}

template <class Map>
void add_missing(Map& to, const Map& from) {
  for (const auto& [key, value] : from) to.try_emplace(key, value);
}

void merge_environment(Strings& to, const Strings& from) {
  auto key_of = [](const std::string& entry) { return entry.substr(0, entry.find('=')); };
  for (const std::string& entry : from)
    if (std::ranges::none_of(to, [&](const std::string& own) { return key_of(own) == key_of(entry); }))
      to.push_back(entry);
}

void merge_health_check(std::optional<oci::HealthCheck>& to, const oci::HealthCheck& from) {
  if (!to) {
    to = from;
    return;
  }
  if (!to->test || to->test->empty()) to->test = from.test;
  if (to->interval == 0) to->interval = from.interval;
  if (to->timeout == 0) to->timeout = from.timeout;
  if (to->start_period == 0) to->start_period = from.start_period;
  if (to->start_interval == 0) to->start_interval = from.start_interval;
  if (to->retries == 0) to->retries = from.retries;
}

// What was asked for, completed by what the container was made from. An entrypoint of its own keeps the container's
// command away.
oci::ExecutionConfig merged(oci::ExecutionConfig config, const Config& container) {
  if (config.user.empty()) config.user = container.user;
  add_missing(config.exposed_ports, container.exposed_ports);
  merge_environment(config.env, container.env.value_or(Strings{}));
  add_missing(config.labels, container.labels);
  if (config.entrypoint.value_or(Strings{}).empty()) {
    if (config.cmd.value_or(Strings{}).empty()) {
      config.cmd = container.cmd;
      config.args_escaped = container.args_escaped;
    }
    if (!config.entrypoint) config.entrypoint = container.entrypoint;
  }
  if (container.healthcheck) merge_health_check(config.healthcheck, *container.healthcheck);
  if (config.working_dir.empty()) config.working_dir = container.working_dir;
  add_missing(config.volumes, container.volumes);
  if (config.stop_signal.empty()) config.stop_signal = container.stop_signal;
  if (config.on_build.empty()) config.on_build = container.on_build.value_or(Strings{});
  if (config.shell.empty()) config.shell = container.shell.value_or(Strings{});
  return config;
}

void check_can_be_committed(const Live& container, const State& state) {
  if (container.removed) fail(Kind::kNotFound, "No such container: ", state.id);
  if (state.status == Status::kDead) fail(Kind::kConflict, "You cannot commit container ", state.id, " which is Dead");
  if (state.status == Status::kRemoving)
    fail(Kind::kConflict, "You cannot commit container ", state.id, " which is being removed");
}

// False when it has just ended: what does not run needs no pause.
bool freeze_if_there(linux::Cgroup& group, const Live& container) {
  try {
    group.freeze();
    return true;
  } catch (const Error&) {
    auto pid = container.state()->pid;
    if (is_up(*container.state()) && group.exists() && exists(cat("/proc/", pid))) throw;
    return false;
  }
}

// The root directory's own entry says who it belongs to; it is a change only together with others.
bool root_has_changed(const std::string& upper, const std::string& layer) {
  struct stat now {
  }, before{};
  check(::stat(upper.c_str(), &now), "stat", upper);
  if (::stat(layer.c_str(), &before) < 0) return false;
  return now.st_mode != before.st_mode || now.st_uid != before.st_uid || now.st_gid != before.st_gid;
}

}  // namespace

std::vector<store::Change> Engine::changes(std::string_view name) {
  return impl_->services.snapshots.changes(impl_->registry.get(name)->id, is_placeholder).list;
}

std::string Engine::commit(std::string_view name, CommitRequest request) {
  Impl& self = *impl_;
  auto container = self.registry.get(name);
  std::scoped_lock operation(container->operation);
  auto state = container->state();
  check_can_be_committed(*container, *state);
  if (!request.config) request.config = merged({}, state->spec->config);
  image::Images::apply_changes(*request.config, request.changes);

  Rollback thaw;
  if (request.pause && state->status == Status::kRunning) {
    thaw.add("pause", [&] { self.thaw_if_paused(container); });
    if (freeze_if_there(*self.cgroup_of(*state), *container)) {
      auto paused = container->change([](State& s) {
        if (s.status == Status::kRunning) s.status = Status::kPaused;
      });
      self.publish(*paused, "pause");
    }
  }

  image::CommitOptions options;
  options.parent = state->spec->image_id;
  options.config = merged(std::move(*request.config), state->spec->config);
  options.comment = request.comment;
  options.author = request.author;
  options.created_by = join(state->spec->config.cmd.value_or(Strings{}), " ");
  options.reference = request.reference;

  store::Snapshots& snapshots = self.services.snapshots;
  store::Changes changes = snapshots.changes(state->id, is_placeholder);
  std::string upper = snapshots.upper_directory(state->id);
  bool nothing = changes.list.empty() && !root_has_changed(upper, snapshots.top_layer_directory(state->id));
  archive::Source layer = archive::produced_by([&](const archive::Sink& sink) {
    archive::TarWriter writer(sink);
    archive::TreeOptions tree;
    tree.whiteouts = archive::Whiteouts::kOverlay;
    tree.skip = [&](const std::string& path) { return changes.left_out.contains(path); };
    UniqueFd directory = open_file(upper, O_RDONLY | O_DIRECTORY);
    if (!nothing) archive::write_tree(directory.get(), writer, tree);
    writer.finish();
  });
  std::string id = self.services.images.commit(layer, options);
  thaw.undo();
  std::string shown = options.reference.empty() ? "" : oci::Reference::parse(options.reference).familiar();
  self.publish(*state, "commit", {{"comment", request.comment}, {"imageID", id}, {"imageRef", shown}});
  return id;
}

}  // namespace hull::container
