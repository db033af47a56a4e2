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
  network::Endpoints endpoints;
};

// Gives `state`'s container its network, as HostConfig.NetworkMode asks: a place on a bridge, a namespace with
// only lo, that of another container, or none of its own. Writes the files that are mounted over /etc/hosts,
// /etc/hostname and /etc/resolv.conf. What it plugs in, Networks::detach(id) takes back.
// Errors: kNotFound "network x not found", kConflict for a target container that does not run.
// `own_namespace`: fresh, to be used instead of one of the engine's; -1: none.
PreparedNetwork prepare_network(Engine::Impl& engine, State& state, int own_namespace = -1);

// Names the networks of `spec` as they are called now, where it names them by id, and refuses settings that they can
// never have: Error{kInvalidArgument}. Networks that do not exist (yet) are left alone.
void resolve_networks(Spec& spec, const network::Networks& networks);

// What check_endpoint() of the network says, "within invalid config for network x".
void check_endpoint_settings(const network::Networks& networks, const network::Network& network,
                             const EndpointSettings& settings);
// Neither one of the engine's own networks nor another container's.
bool is_user_defined(std::string_view network);

// What a container asks of one network.
network::EndpointRequest endpoint_request(const State& state, const network::Network& network);

// Rewrites the files over /etc/hosts and /etc/resolv.conf for endpoints that have changed from `before` to those of
// `state`. What the container has changed itself is kept.
void update_network_files(Engine::Impl& engine, const State& state, const network::Endpoints& before);

// Connects a running container to the networks of its specification that it is not on: after a crash of the engine in
// the middle of that, or of its contrary. Failures are logged.
void reconnect(Engine::Impl& engine, Live& container);

// The network namespace of a running container.
UniqueFd network_namespace_of(const State& state);

}  // namespace hull::container
