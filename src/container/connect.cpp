// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/log.h"
#include "base/rollback.h"
#include "container/engine_impl.h"
#include "container/network_plan.h"
#include "container/normalize.h"
#include "container/persistent.h"

// The networks of a container change. What is asked for is in its specification, and counts for the next start; a
// container that runs follows at once.
namespace hull::container {

namespace {

void check_modes(const State& state, const network::Network& network) {
  const std::string& mode = state.spec->host.network_mode;
  if (mode.starts_with("container:"))
    fail_invalid(
        "container sharing network namespace with another container or host cannot be connected to any other "
        "network");
  if (mode != "host" && network.driver == "host")
    fail_invalid("cannot connect container to host network - container must be created in host network mode");
  if (mode == "host")
    fail_invalid(
        "container sharing network namespace with another container or host cannot be connected to any other "
        "network");
  if (mode == "none" || network.driver == "null")
    fail_invalid("container cannot be connected to multiple networks with one of the networks in private (none) mode");
}

// Writes the container's specification with `edit` applied. Readers see it at once.
template <class Edit>
void change_spec(Engine::Impl& engine, Live& container, Edit edit) {
  auto changed = std::make_shared<Spec>(*container.state()->spec);
  edit(*changed);
  engine.services.database.set_container_spec(container.id, encode_spec(*changed));
  container.change([&](State& state) { state.spec = std::move(changed); });
}

bool has_relays(const network::Endpoints& endpoints) {
  return std::ranges::any_of(endpoints, [](const auto& entry) {
    return std::ranges::any_of(entry.second.ports, &network::PortBinding::relayed);
  });
}

void follow(Engine::Impl& engine, Live& container, network::Endpoints endpoints) {
  auto before = container.state()->endpoints;
  auto state = container.change([&](State& s) { s.endpoints = std::move(endpoints); });
  std::shared_ptr<shim::Client> shim;
  {
    std::scoped_lock lock(container.mutex);
    shim = container.shim;
  }
  if (shim) engine.relay_ports(*shim, before, state->endpoints);
  update_network_files(engine, *state, before);
}

void publish_one(Engine::Impl& engine, const State& state, const network::Network& network, const std::string& action) {
  network::Endpoint endpoint;
  endpoint.network = network.name;
  endpoint.network_id = network.id;
  engine.publish_networks(state, {{network.name, endpoint}}, action);
}

}  // namespace

void Engine::connect(std::string_view name, const std::string& network_name, const EndpointSettings& settings) {
  auto& networks = impl_->services.networks;
  auto network = networks.get(network_name);
  auto container = impl_->registry.get(name);
  std::scoped_lock operation(container->operation);
  auto state = container->state();
  if (state->status == Status::kRemoving || state->status == Status::kDead)
    fail(Kind::kConflict, "container ", state->id, " is marked for removal and cannot be connected to a network");
  check_endpoint_settings(networks, network, settings);
  check_modes(*state, network);
  if (is_up(*state) && state->endpoints.contains(network.name))
    fail(Kind::kForbidden, "endpoint with name ", state->name, " already exists in network ", network.name);

  auto old_spec = state->spec;
  Rollback rollback;
  rollback.add("specification", [&] { change_spec(*impl_, *container, [&](Spec& spec) { spec = *old_spec; }); });
  change_spec(*impl_, *container, [&](Spec& spec) { spec.endpoints[network.name] = settings; });
  state = container->state();
  if (is_up(*state))
    follow(*impl_, *container,
           networks.connect(container->id, endpoint_request(*state, network), plan_ports(*state->spec),
                            network_namespace_of(*state).get()));
  rollback.commit();
  publish_one(*impl_, *state, network, "connect");
}

namespace {

// Of a network that was removed while the container did not run: it would never start again.
bool forget_lost_network(Engine::Impl& engine, std::string_view name, const std::string& network) {
  auto container = engine.registry.find(name);
  if (!container) return false;
  std::scoped_lock operation(container->operation);
  if (!container->state()->spec->endpoints.contains(network)) return false;
  change_spec(engine, *container, [&](Spec& spec) { spec.endpoints.erase(network); });
  return true;
}

}  // namespace

void Engine::disconnect(std::string_view name, const std::string& network_name, bool force) {
  auto& networks = impl_->services.networks;
  if (!networks.find(network_name) && forget_lost_network(*impl_, name, network_name)) return;
  auto network = networks.get(network_name);
  auto container = impl_->registry.find(name);
  if (!container && force) return;
  if (!container) container = impl_->registry.get(name);  // says that there is none
  std::scoped_lock operation(container->operation);
  auto state = container->state();
  if (state->spec->host.network_mode == "host" && network.driver == "host")
    fail_invalid("cannot disconnect container from host network - container was created in host network mode");
  bool is_plugged = is_up(*state) && state->endpoints.contains(network.name);
  if (!is_plugged && !state->spec->endpoints.contains(network.name))
    fail(Kind::kInternal, "container ", state->id, " is not connected to network ", network.name);
  if (is_plugged)
    follow(
        *impl_, *container,
        networks.disconnect(container->id, network.name, plan_ports(*state->spec), network_namespace_of(*state).get()));
  change_spec(*impl_, *container, [&](Spec& spec) { spec.endpoints.erase(network.name); });
  publish_one(*impl_, *state, network, "disconnect");
}

void reconnect(Engine::Impl& engine, Live& container) {
  auto& networks = engine.services.networks;
  auto state = container.state();
  if (state->spec->host.network_mode.starts_with("container:") || state->spec->config.network_disabled) return;
  for (const auto& [name, settings] : state->spec->endpoints) {
    auto network = networks.find(name);
    if (!network || state->endpoints.contains(network->name)) continue;
    try {
      check_modes(*state, *network);
      follow(engine, container,
             networks.connect(container.id, endpoint_request(*state, *network), plan_ports(*state->spec),
                              network_namespace_of(*state).get()));
      state = container.state();
    } catch (const Error& e) {
      log::warn("container ", state->name, " is not on the network ", name, ": ", e.message());
    }
  }
}

void Engine::Impl::relay_ports(shim::Client& shim, const network::Endpoints& before, const network::Endpoints& now) {
  if (!has_relays(before) && !has_relays(now)) return;
  std::vector<shim::Relay> relays;
  for (network::PortRelay& relay : services.networks.relays(now))
    relays.push_back({std::move(relay.host), std::move(relay.target), std::move(relay.listener)});
  try {
    shim.relay(std::move(relays));
  } catch (const Error& e) {
    log::info("ports of a container are not relayed: ", e.message());  // it has ended
  }
}

void Engine::Impl::publish_networks(const State& state, const network::Endpoints& endpoints,
                                    const std::string& action) {
  for (const auto& [name, endpoint] : endpoints) {
    auto network = services.networks.find(endpoint.network_id);
    Event event;
    event.type = "network";
    event.action = action;
    event.actor_id = endpoint.network_id;
    event.attributes = {{"container", state.id}, {"name", name}, {"type", network ? network->driver : "bridge"}};
    services.events.publish(std::move(event));
  }
}

}  // namespace hull::container
