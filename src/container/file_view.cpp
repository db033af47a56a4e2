// SPDX-License-Identifier: Apache-2.0
#include "container/file_view.h"

#include <chrono>

#include "container/mount_use.h"
#include "container/oci_config_parts.h"
#include "linux/root_dir.h"

namespace hull::container {

namespace {

constexpr auto kExitIsOnItsWay = std::chrono::milliseconds(20);

void check_not_removed(Live& container) {
  auto status = container.state()->status;
  if (container.removed) fail(Kind::kNotFound, "No such container: ", container.id);
  if (status == Status::kRemoving || status == Status::kDead)
    fail(Kind::kConflict, "container ", container.id, " is marked for removal: its files cannot be reached");
}

// `of_process(pid, pidfd)` while it runs; `at_rest()` with the operation lock held when it does not.
template <class OfProcess, class AtRest>
FileView open_with(Engine::Impl& engine, const LivePtr& container, OfProcess of_process, AtRest at_rest) {
  for (;;) {
    FileView view;
    view.state = container->state();
    std::shared_ptr<UniqueFd> pidfd;
    {
      std::scoped_lock lock(container->mutex);
      pidfd = container->pidfd;
    }
    if (is_up(*view.state) && pidfd) {
      try {
        view.mounts = of_process(view.state->pid, pidfd->get());
        return view;
      } catch (const Error& e) {
        if (e.code() != ESRCH && e.code() != ENOENT) throw;
      }
      // It has just ended, and the news of it are not here yet.
      std::unique_lock lock(container->mutex);
      container->changed.wait_for(lock, kExitIsOnItsWay);
      continue;
    }
    view.operation = std::unique_lock(container->operation);
    {
      // The last run may still have its root file system mounted.
      std::unique_lock lock(container->mutex);
      container->changed.wait(lock, [&] { return !container->tearing_down; });
    }
    check_not_removed(*container);
    view.state = container->state();
    if (is_up(*view.state)) continue;
    engine.mounts_ahead.take(container->id);  // one writable directory is mounted once at a time
    view.mounts = at_rest(*view.state);
    return view;
  }
}

std::vector<linux::ViewMount> mounts_of(const State& state, const Configuration& configuration) {
  std::vector<linux::ViewMount> mounts;
  for (const oci::Mount& one : bind_mounts({state, configuration}))
    mounts.push_back({one.source, one.destination, linux::parse_mount_options(one.options)});
  return mounts;
}

// As if create had made the working directory, which start does.
linux::DetachedMount root_at_rest(Engine::Impl& engine, const State& state) {
  linux::DetachedMount root = engine.services.snapshots.mount(state.id);
  const std::string& directory = state.spec->config.working_dir;
  if (state.status != Status::kCreated || directory.empty()) return root;
  try {
    linux::RootDir(root.get()).make_directory(directory);
  } catch (const Error&) {
    // A file is in its place: start will say so.
  }
  return root;
}

}  // namespace

FileView open_file_view(Engine::Impl& engine, const LivePtr& container) {
  std::shared_ptr<void> used;
  auto use = [&](const State& state) {
    auto& volumes = engine.services.volumes;
    use_volumes(state, volumes);
    used = std::shared_ptr<void>(nullptr, [&volumes, id = state.id](void*) { volumes.release_all(id); });
  };
  FileView view = open_with(engine, container, linux::view_of_process, [&](const State& state) {
    use(state);
    return linux::assemble_view(root_at_rest(engine, state), mounts_of(state, engine.configuration),
                                state.spec->host.readonly_rootfs);
  });
  view.volumes = std::move(used);
  return view;
}

FileView open_root_view(Engine::Impl& engine, const LivePtr& container) {
  return open_with(
      engine, container,
      [](pid_t pid, int pidfd) {
        return linux::MountView{linux::clone_root_of_process(pid, pidfd), {}};
      },
      [&](const State& state) {
        return linux::MountView{root_at_rest(engine, state), {}};
      });
}

}  // namespace hull::container
