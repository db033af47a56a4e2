// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>

#include "container/engine_impl.h"
#include "linux/mount_view.h"

namespace hull::container {

// The files of one container as it sees them. A running one is looked at through its own mount namespace; for one
// that does not run its root file system and its volumes are put together, and it cannot be started or removed as
// long as this exists.
struct FileView {
  StatePtr state;
  linux::MountView mounts;
  std::unique_lock<std::mutex> operation;  // held when it does not run
  std::shared_ptr<void> volumes;           // mounted while this is

  int root() const { return mounts.root.get(); }
};
// Error{kConflict} when it is being removed.
FileView open_file_view(Engine::Impl& engine, const LivePtr& container);

// The root file system alone: places that something is mounted on are what is below. `mounts.mount_namespace` is
// not set.
FileView open_root_view(Engine::Impl& engine, const LivePtr& container);

}  // namespace hull::container
