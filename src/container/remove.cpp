// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "container/engine_impl.h"
#include "container/link_use.h"
#include "container/mount_use.h"
#include "container/volume_intent.h"

// The end of a container. The row in the database goes first: what no row names does not exist, and a crash
// from then on leaves only files that the next start of the engine removes.
namespace hull::container {

namespace {

// Anonymous volumes go with `-v` and with --rm, unless somebody else uses them too.
std::vector<std::string> volumes_to_remove(const State& state, const std::vector<LivePtr>& all,
                                           volume::Volumes& volumes) {
  std::vector<std::string> names;
  for (const MountPoint& mount : state.mounts) {
    if (mount.type != "volume") continue;
    auto volume = volumes.find(mount.name);
    if (!volume || !volume->anonymous) continue;
    bool shared = false;
    for (const auto& other : all) {
      if (other->id == state.id) continue;
      for (const MountPoint& theirs : other->state()->mounts) shared = shared || theirs.name == mount.name;
    }
    if (!shared) names.push_back(mount.name);
  }
  return names;
}

constexpr int kAttempts = 5;

void refuse_in_use(const State& state) {
  if (!is_up(state) && state.status != Status::kRestarting) return;
  fail(Kind::kConflict, "cannot remove container \"", state.name, "\": container is ", to_string(state.status),
       ": stop the container before removing or force remove");
}

}  // namespace

void Engine::Impl::remove_locked(const LivePtr& container, bool volumes) {
  cancel_restart(*container);
  Status before = container->state()->status;
  auto state = container->change([](State& s) { s.status = Status::kRemoving; });
  auto doomed = volumes ? volumes_to_remove(*state, registry.list(), services.volumes) : std::vector<std::string>{};
  try {
    volume_intent::record(container_directory(container->id), doomed);
    fault::point("remove.begun");
    services.database.remove_container(container->id);
  } catch (const Error& e) {
    container->change([&](State& s) { s.status = before; });
    throw e.within(cat("cannot remove container \"", state->name, "\""));
  }
  // From here on it does not exist. What cannot be cleared away now will be by the next start of the engine.
  registry.remove(container->id);
  remove_execs_of(container->id);
  bool cleared = clear_away(*state, doomed);
  publish(*state, "destroy");
  {
    std::scoped_lock lock(container->mutex);
    container->removed = true;
    container->pending_streams.clear();
    container->changed.notify_all();
  }
  background.run([this, cleared, id = container->id] {
    if (cleared) remove_tree(container_directory(id));
    services.snapshots.empty_trash();
  });
}

bool Engine::Impl::clear_away(const State& state, const std::vector<std::string>& doomed_volumes) {
  bool cleared = true;
  auto attempt = [&](std::string_view place, auto work) {
    try {
      fault::point(place);
      work();
    } catch (const Error& e) {
      log::warn("of the removed container ", state.name, " something is left: ", e.message());
      cleared = false;
    }
  };
  attempt("remove.recorded", [&] { services.networks.detach(state.id); });
  mounts_ahead.drop(state.id);
  attempt("remove.network", [&] {
    services.snapshots.remove(state.id);
    let_go_of_images(state, services.snapshots);
  });
  user_ranges.give_back(state.user_range);
  attempt("remove.snapshot", [&] {
    // The end of its last run may still be on its way to that: nobody has to wait for a volume that nobody uses.
    services.volumes.release_all(state.id);
    for (const auto& name : doomed_volumes) {
      if (services.volumes.remove_if_unused(name)) publish_volume(services.events, name, "destroy");
    }
  });
  attempt("remove.volumes", [] {});
  return cleared;
}

void Engine::Impl::remove_automatically(const LivePtr& container) {
  std::scoped_lock operation(container->operation);
  auto status = container->state()->status;
  if (container->removed || is_up(*container->state()) || status == Status::kRemoving) return;
  try {
    remove_locked(container, true);
  } catch (const Error& e) {
    log::warn("container ", container->state()->name, " could not be removed after its end: ", e.message());
    container->change([](State& s) { s.status = Status::kDead; });
  }
}

void Engine::remove(std::string_view name, const RemoveOptions& options) {
  auto container = impl_->registry.get(name);
  auto state = container->state();
  if (options.link) return remove_link(*impl_, name);
  if (state->status == Status::kRemoving)
    fail(Kind::kConflict, "removal of container ", state->id, " is already in progress");
  if (!options.force) {
    impl_->await_start(*container);
    impl_->settle_exit(container);
    refuse_in_use(*container->state());
  }
  // A start may come in between: then once more.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (options.force) impl_->end_by_force(container);
    std::scoped_lock operation(container->operation);
    if (container->removed) return;  // --rm was quicker
    state = container->state();
    if (!options.force) refuse_in_use(*state);
    if (is_up(*state) || state->status == Status::kRestarting) continue;
    return impl_->remove_locked(container, options.volumes);
  }
  fail(Kind::kConflict, "cannot remove container \"", state->name, "\": it is started again and again meanwhile");
}

void Engine::Impl::end_by_force(const LivePtr& container) {
  try {
    auto state = container->state();
    if (is_up(*state) || state->status == Status::kRestarting) kill(container, SIGKILL);
  } catch (const Error& e) {
    if (e.kind() != Kind::kConflict) throw;  // it ended by itself meanwhile
  }
}

Engine::Pruned Engine::prune(const std::function<bool(const State&)>& selected) {
  std::unique_lock lock(impl_->prune_mutex, std::try_to_lock);
  if (!lock) fail(Kind::kConflict, "a prune operation is already running");
  Pruned pruned;
  for (const auto& container : impl_->registry.list()) {
    auto state = container->state();
    bool stopped =
        state->status == Status::kCreated || state->status == Status::kExited || state->status == Status::kDead;
    if (!stopped || !selected(*state)) continue;
    std::int64_t size = impl_->services.snapshots.size_rw(state->id);
    try {
      remove(state->id, {});
    } catch (const Error& e) {
      log::info("prune leaves container ", state->name, ": ", e.message());
      continue;
    }
    pruned.ids.push_back(state->id);
    pruned.space_reclaimed += size;
  }
  impl_->services.events.publish({"container", "prune", "", {{"reclaimed", cat(pruned.space_reclaimed)}}, {}});
  return pruned;
}

}  // namespace hull::container
