// SPDX-License-Identifier: Apache-2.0
#include "network/networks.h"

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

}  // namespace

Networks::Networks(store::Database& database, linux::Reactor& reactor, Options options)
    : state_(std::make_unique<State>(database, reactor, std::move(options))) {}

Networks::~Networks() = default;

std::vector<Network> Networks::list() const {
  std::vector<Network> all;
  if (state_->has_bridge) {
    Network bridge{stable_id("bridge", state_->options.bridge),
                   "bridge",
                   "bridge",
                   state_->options.bridge,
                   {},
                   {},
                   state_->started};
    std::lock_guard lock(state_->mutex);
    if (state_->bridge) {
      bridge.subnet = format_network(state_->bridge->address);
      bridge.gateway = format_address(state_->bridge->address.address);
    }
    all.push_back(std::move(bridge));
  }
  for (auto [name, driver] : {std::pair("host", "host"), std::pair("none", "null")})
    all.push_back({stable_id(name, state_->options.bridge), name, driver, {}, {}, {}, state_->started});
  return all;
}

std::optional<Network> Networks::find(const std::string& name_or_id) const {
  auto all = list();
  for (const auto& network : all)
    if (network.id == name_or_id || network.name == name_or_id) return network;
  std::optional<Network> found;
  if (!looks_like_id_prefix(name_or_id)) return found;
  for (const auto& network : all) {
    if (!network.id.starts_with(name_or_id)) continue;
    if (found) return std::nullopt;
    found = network;
  }
  return found;
}

void Networks::prepare() {
  if (state_->has_bridge) {
    state_->prepare();
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
  auto network = find(request.network);
  if (!network) fail(Kind::kNotFound, "network ", request.network, " not found");
  bool attached = false;
  {
    std::lock_guard lock(state_->mutex);
    attached = state_->endpoints.contains(request.container_id);
  }
  if (attached) detach(request.container_id);
  if (network->driver == "bridge") return state_->attach_to_bridge(request, *network);
  if (network->driver == "null") {
    Attachment attachment = state_->attach_isolated(request, *network);
    attachment.network_namespace = isolated_namespace(request.network_namespace);
    return attachment;
  }
  Attachment attachment = state_->attach_isolated(request, *network);
  attachment.network_namespace = linux::current_network_namespace();
  return attachment;
}

void Networks::detach(const std::string& container_id) {
  std::optional<Endpoint> endpoint;
  {
    std::lock_guard lock(state_->mutex);
    if (auto node = state_->endpoints.extract(container_id)) endpoint = std::move(node.mapped());
  }
  if (endpoint && !endpoint->ports.empty()) {
    state_->firewall.withdraw(endpoint->ports);
    state_->ports.release(endpoint->ports);
  }
  state_->database.remove_endpoints(container_id);
  if (!endpoint) return;
  // Only now: an address in the database is never somebody else's too.
  state_->give_back_address(endpoint->address);
  if (!endpoint->host_interface.empty()) state_->condemn(endpoint->host_interface);
}

}  // namespace hull::network
