// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "container/engine_impl.h"

namespace hull::container {

// The network namespace of a container that is about to start, and what it looks like from outside.
struct PreparedNetwork {
  UniqueFd network_namespace;  // invalid with --network host
  std::map<std::string, network::Endpoint> endpoints;
};

// Gives `state`'s container its network, as HostConfig.NetworkMode asks: a place on a bridge, a namespace with
// only lo, that of another container, or none of its own. Writes the files that are mounted over /etc/hosts,
// /etc/hostname and /etc/resolv.conf. What it plugs in, Networks::detach(id) takes back.
// Errors: kNotFound "network x not found", kConflict for a target container that does not run.
// `own_namespace`: fresh, to be used instead of one of the engine's; -1: none.
PreparedNetwork prepare_network(Engine::Impl& engine, State& state, int own_namespace = -1);

}  // namespace hull::container
