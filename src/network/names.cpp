// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "network/state.h"

namespace hull::network {

void Networks::State::serve_names(const std::string& container_id, const std::vector<std::string>& servers,
                                  const Endpoints& endpoints, int network_namespace) {
  bool wanted = std::ranges::any_of(endpoints, [](const auto& one) { return !one.second.names.empty(); });
  if (!wanted) {
    name_service.stop(container_id);
    name_table.remove(container_id);
    return;
  }
  name_table.set(container_id, endpoints);
  // The network of a parent interface may have neighbours that know a way out, though no gateway was named.
  bool internal = std::ranges::all_of(endpoints, [&](const auto& one) {
    return one.second.gateway.empty() && one.second.gateway6.empty() && get(one.second.network_id)->config.internal;
  });
  name_service.serve({container_id, servers.empty() ? options.dns : servers, internal}, network_namespace);
}

void Networks::serve_names(const std::string& container_id, const std::vector<std::string>& name_servers,
                           int network_namespace) {
  Endpoints endpoints;
  {
    std::lock_guard lock(state_->mutex);
    auto found = state_->members.find(container_id);
    if (found == state_->members.end()) return;
    found->second.name_servers = name_servers;
    endpoints = found->second.endpoints;
  }
  state_->serve_names(container_id, name_servers, endpoints, network_namespace);
}

void Networks::rename(const std::string& container_id, const std::string& old_name, const std::string& new_name) {
  Endpoints endpoints;
  {
    std::lock_guard lock(state_->mutex);
    auto found = state_->members.find(container_id);
    if (found == state_->members.end()) return;
    found->second.name = new_name;
    for (auto& [network, endpoint] : found->second.endpoints) std::ranges::replace(endpoint.names, old_name, new_name);
    endpoints = found->second.endpoints;
  }
  for (const auto& [network, endpoint] : endpoints) state_->record(container_id, endpoint);
  state_->name_table.set(container_id, endpoints);
}

}  // namespace hull::network
