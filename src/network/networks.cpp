// SPDX-License-Identifier: Apache-2.0
#include "network/networks.h"

#include <algorithm>

#include "base/id.h"
#include "linux/network_namespace.h"
#include "network/state.h"

namespace hull::network {

namespace {

// The same after every start of an engine with this bridge, without being stored anywhere.
std::string stable_id(std::string_view name, std::string_view bridge) {
  std::string id;
  for (int part = 0; part < 4; ++part) {
    std::uint64_t value = 14695981039346656037u;  // FNV-1a, then the finaliser of SplitMix64
    for (unsigned char c : cat("network ", part, " ", name, " ", bridge)) value = (value ^ c) * 1099511628211u;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    value ^= value >> 31;
    id += to_hex(&value, sizeof value);
  }
  return id;
}

Network predefined(const char* name, const char* driver, const Options& options, std::int64_t created) {
  Network network;
  network.id = stable_id(name, options.bridge);
  network.name = name;
  network.driver = driver;
  network.created = created;
  network.predefined = true;
  return network;
}

Network default_bridge_network(const Options& options, std::int64_t created) {
  Network bridge = predefined("bridge", "bridge", options, created);
  bridge.bridge = options.bridge;
  bridge.ipv6 = !options.bip6.empty();
  auto text = [](bool value) { return std::string(value ? "true" : "false"); };
  bridge.options = {
      {"com.docker.network.bridge.default_bridge", "true"}, {std::string(kIcc), text(options.icc)},
      {std::string(kMasquerade), text(options.masquerade)}, {std::string(kHostBinding), options.default_binding},
      {std::string(kBridgeName), options.bridge},           {std::string(kMtu), cat(options.mtu ? options.mtu : 1500)}};
  return bridge;
}

}  // namespace

Networks::Networks(store::Database& database, linux::Reactor& reactor, Options options)
    : state_(std::make_unique<State>(database, reactor, std::move(options))) {
  State& state = *state_;
  std::vector<LiveNetworkPtr> builtin;
  if (state.has_bridge) {
    state.default_bridge =
        std::make_shared<LiveNetwork>(LiveNetwork{default_bridge_network(state.options, state.started), {}, {}});
    builtin.push_back(state.default_bridge);
  }
  for (auto [name, driver] : {std::pair("host", "host"), std::pair("none", "null")})
    builtin.push_back(
        std::make_shared<LiveNetwork>(LiveNetwork{predefined(name, driver, state.options, state.started), {}, {}}));
  state.networks.insert(state.networks.begin(), builtin.begin(), builtin.end());
}

Networks::~Networks() = default;

std::vector<Network> Networks::list() const {
  std::vector<Network> all;
  std::lock_guard lock(state_->mutex);
  for (const auto& network : state_->networks) all.push_back(network->config);
  return all;
}

LiveNetworkPtr Networks::State::find(const std::string& name_or_id) const {
  std::lock_guard lock(mutex);
  for (const auto& network : networks)
    if (network->config.id == name_or_id) return network;
  for (const auto& network : networks)
    if (network->config.name == name_or_id) return network;
  if (!looks_like_id_prefix(name_or_id)) return nullptr;
  LiveNetworkPtr found;
  int matches = 0;
  for (const auto& network : networks) {
    if (!network->config.id.starts_with(name_or_id)) continue;
    found = network;
    ++matches;
  }
  if (matches > 1)
    fail_invalid("network ", name_or_id, " is ambiguous (", matches, " matches found based on ID prefix)");
  return found;
}

LiveNetworkPtr Networks::State::get(const std::string& name_or_id) const {
  if (auto network = find(name_or_id)) return network;
  fail(Kind::kNotFound, "network ", name_or_id, " not found");
}

std::shared_ptr<const void> Networks::State::arrive_at(const LiveNetworkPtr& network) {
  std::lock_guard lock(mutex);
  if (std::ranges::find(networks, network) == networks.end())
    fail(Kind::kNotFound, "network ", network->config.name, " not found");
  ++network->arriving;
  return {nullptr, [this, network](const void*) {
            std::lock_guard left(mutex);
            --network->arriving;
          }};
}

std::optional<Network> Networks::find(const std::string& name_or_id) const {
  auto network = state_->find(name_or_id);
  if (!network) return std::nullopt;
  std::lock_guard lock(state_->mutex);
  return network->config;
}

Network Networks::get(const std::string& name_or_id) const {
  if (auto network = find(name_or_id)) return *network;
  fail(Kind::kNotFound, "network ", name_or_id, " not found");
}

std::map<std::string, Endpoint> Networks::members(const std::string& network_id) const {
  std::map<std::string, Endpoint> found;
  std::lock_guard lock(state_->mutex);
  for (const auto& [id, member] : state_->members)
    for (const auto& [name, endpoint] : member.endpoints)
      if (endpoint.network_id == network_id) found[id] = endpoint;
  return found;
}

void Networks::prepare() {
  if (state_->has_bridge) {
    state_->prepare(state_->default_bridge);
    state_->plugs.fill();
  }
  state_->isolated.fill();
}

UniqueFd Networks::isolated_namespace(int network_namespace) {
  if (network_namespace >= 0) return make_isolated_namespace(network_namespace);
  auto ready = state_->isolated.take();
  if (!ready) ready = make_isolated_namespace();
  state_->isolated.fill();
  return std::move(*ready);
}

Attachment Networks::attach(const AttachRequest& request) {
  bool attached = false;
  {
    std::lock_guard lock(state_->mutex);
    attached = state_->members.contains(request.container_id);
  }
  if (attached) detach(request.container_id);
  Attachment attachment = state_->attach(request);
  if (attachment.network_namespace) return attachment;
  bool isolated = attachment.endpoints.contains("none");
  attachment.network_namespace =
      isolated ? isolated_namespace(request.network_namespace) : linux::current_network_namespace();
  return attachment;
}

Endpoints Networks::connect(const std::string& container_id, const EndpointRequest& request,
                            const std::vector<PortBinding>& ports, int network_namespace) {
  return state_->connect(container_id, request, ports, network_namespace);
}

Endpoints Networks::disconnect(const std::string& container_id, const std::string& network,
                               const std::vector<PortBinding>& ports, int network_namespace) {
  return state_->disconnect(container_id, network, ports, network_namespace);
}

std::vector<PortRelay> Networks::relays(const Endpoints& endpoints) const {
  std::vector<PortRelay> relays;
  for (const auto& [name, endpoint] : endpoints)
    for (const PortBinding& binding : endpoint.ports)
      if (binding.relayed)
        relays.push_back({cat("[", binding.host_ip, "]:", binding.host_port),
                          cat(endpoint.address, ":", binding.container_port), state_->ports.listener(binding)});
  return relays;
}

void Networks::detach(const std::string& container_id) {
  Endpoints endpoints;
  {
    std::lock_guard lock(state_->mutex);
    auto node = state_->members.extract(container_id);
    if (node) endpoints = std::move(node.mapped().endpoints);
    // The second time it is because the container is removed.
    if (node)
      state_->ended[container_id] = endpoints;
    else
      state_->ended.erase(container_id);
  }
  state_->name_service.stop(container_id);
  state_->name_table.remove(container_id);
  state_->firewall.unlink(container_id);
  state_->firewall.withdraw(endpoints);
  for (const auto& [name, endpoint] : endpoints) state_->ports.release(endpoint.ports);
  state_->database.remove_endpoints(container_id);
  for (const auto& [name, endpoint] : endpoints) {
    // Only now: an address in the database is never somebody else's too.
    state_->give_back_addresses(endpoint);
    if (!endpoint.host_interface.empty()) state_->condemn(endpoint.host_interface);
  }
}

}  // namespace hull::network
