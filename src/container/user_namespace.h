// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/unique_fd.h"
#include "container/engine_impl.h"
#include "linux/detached_mount.h"

namespace hull::container {

// Whether the container has another user namespace than the host: UsernsMode "private" or "auto", or the engine's
// --userns-remap unless UsernsMode is "host".
bool has_user_namespace(const HostConfig& host, const Configuration& configuration);
bool has_user_range(const HostConfig& host);  // one of its own, recorded in its row

// The user namespace of a container that is about to start.
struct PreparedUsers {
  UniqueFd users;    // invalid: the host's
  UniqueFd network;  // a fresh network namespace that belongs to it
  UserRange range;

  std::optional<linux::IdMap> id_map() const;
};

// Makes the namespaces; they vanish with their descriptors. A container that joins a namespace of another one has to
// have that one's user namespace as well: Error{kConflict} when it has none, or does not run.
PreparedUsers prepare_users(Engine::Impl& engine, const State& state);

}  // namespace hull::container
