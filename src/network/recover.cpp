// SPDX-License-Identifier: Apache-2.0
#include <linux/rtnetlink.h>

#include <algorithm>

#include "base/log.h"
#include "linux/network_namespace.h"
#include "network/attach_parts.h"
#include "network/parent_link.h"
#include "network/state.h"
#include "oci/json.h"

namespace hull::network {

namespace {

std::optional<Endpoint> read_endpoint(const store::EndpointRow& row) {
  try {
    return from_json<Endpoint>(parse_json(row.state));
  } catch (const Error& e) {
    log::warn("the endpoint of container ", row.container_id, " is unreadable: ", e.message());
    return std::nullopt;
  }
}

bool table_is_there(const Options& options) {
  linux::NetlinkSocket filter(NETLINK_NETFILTER);
  return linux::nft_table_exists(filter, options.firewall_table);
}

// Whether the endpoint's interface exists: a crash in the middle of connecting or disconnecting leaves a record alone.
bool is_plugged(const Endpoint& endpoint) {
  if (endpoint.host_interface.empty()) return true;
  try {
    linux::NetlinkSocket route(NETLINK_ROUTE);
    return linux::find_link(route, endpoint.host_interface).has_value();
  } catch (const Error& e) {
    log::warn("cannot look for the interface ", endpoint.host_interface, ": ", e.message());
    return true;
  }
}

bool device_is_there(const std::string& bridge) {
  linux::NetlinkSocket route(NETLINK_ROUTE);
  return linux::find_link(route, bridge).has_value();
}

}  // namespace

void Networks::State::read_networks() {
  for (const auto& row : database.networks()) {
    try {
      auto network = std::make_shared<LiveNetwork>();
      network->config = from_json<Network>(parse_json(row.state));
      networks.push_back(std::move(network));
    } catch (const Error& e) {
      log::error("the network ", row.name, " is unreadable: ", e.message());
    }
  }
}

void Networks::State::keep_members(const std::map<std::string, Endpoints>& kept) {
  for (const auto& [id, endpoints] : kept) {
    for (const auto& [name, endpoint] : endpoints) ports.restore(id, endpoint.ports);
    firewall.remember(endpoints);
  }
  std::lock_guard lock(mutex);
  for (const auto& [id, endpoints] : kept) {
    std::string container = id.substr(0, 12);
    for (const auto& [name, endpoint] : endpoints)
      if (!endpoint.names.empty()) container = endpoint.names.front();
    members[id] = {container, endpoints, {}};
  }
  for (const auto& network : networks)
    if (network->bridge || is_child_driver(network->config.driver)) make_pools(*network);
}

// Interfaces of containers that are gone are deleted, those of running ones are put back on their bridges.
void Networks::State::tidy_interfaces(const std::map<std::string, Endpoints>& kept) {
  std::map<std::string, int> masters;  // by interface
  std::set<std::string> left_over;
  {
    std::lock_guard lock(mutex);
    for (const auto& name : made_before_recovery) masters[name] = 0;
    for (const auto& [id, endpoints] : kept)
      for (const auto& [name, endpoint] : endpoints) masters[endpoint.host_interface] = 0;
    for (const auto& network : networks) {
      if (is_child_driver(network->config.driver)) masters[child_options(network->config).device(network->config)] = 0;
      if (!network->bridge) continue;
      masters[network->bridge->name] = 0;
      for (const auto& [id, endpoints] : kept)
        if (auto endpoint = endpoints.find(network->config.name); endpoint != endpoints.end())
          masters[endpoint->second.host_interface] = network->bridge->index;
    }
    recovered = true;
  }
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  linux::NetlinkBatch batch;
  for (const auto& link : linux::list_links(socket)) {
    if ((link.group | 1u) != marks.condemned) continue;
    auto known = masters.find(link.name);
    if (known == masters.end())
      left_over.insert(link.name);
    else if (known->second && link.master != known->second)
      linux::set_master(batch, link.index, known->second);
  }
  if (!batch.empty()) socket.execute(batch, "put interfaces back on their bridges");
  delete_interfaces(left_over);
}

// Those that are kept, by container; the others are forgotten. Published ports stay, whatever endpoint they were at.
std::map<std::string, Endpoints> Networks::State::sort_endpoints(const std::vector<std::string>& live) {
  std::map<std::string, Endpoints> kept;
  std::map<std::string, std::map<HostPort, PortBinding>> bound;
  for (const auto& row : database.endpoints()) {
    auto endpoint = read_endpoint(row);
    if (!endpoint || std::ranges::find(live, row.container_id) == live.end()) {
      database.remove_endpoints(row.container_id);
      continue;
    }
    for (const auto& port : endpoint->ports) bound[row.container_id].emplace(host_port_of(port), port);
    if (endpoint->pending || !is_plugged(*endpoint)) {
      database.remove_endpoint(row.container_id, row.network);
      unsettled[row.container_id].push_back(endpoint->interface_name);
    } else {
      kept[row.container_id].emplace(endpoint->network, std::move(*endpoint));
    }
  }
  for (const auto& [id, interfaces] : unsettled) {
    std::vector<PortBinding> all;
    for (const auto& [key, port] : bound[id]) all.push_back(port);
    assign_ports(kept[id], std::move(all));
    for (const auto& [name, endpoint] : kept[id]) record(id, endpoint);
  }
  return kept;
}

void Networks::settle(const std::string& container_id, int network_namespace) {
  std::vector<std::string> interfaces;
  Endpoints endpoints;
  {
    std::lock_guard lock(state_->mutex);
    auto node = state_->unsettled.extract(container_id);
    if (!node) return;
    interfaces = std::move(node.mapped());
    if (auto member = state_->members.find(container_id); member != state_->members.end())
      endpoints = member->second.endpoints;
  }
  linux::ScopedNetworkNamespace there(network_namespace);
  linux::NetlinkSocket inside(NETLINK_ROUTE);
  for (const auto& interface : interfaces) {
    auto link = linux::find_link(inside, interface);
    if (!link) continue;
    linux::NetlinkBatch batch;
    linux::delete_link(batch, link->index);
    (void)inside.try_execute(batch);  // it may go by itself: the other end is deleted, too
  }
  linux::NetlinkBatch routes;
  const auto ways_out = gateway_interfaces(endpoints, inside);
  for (bool is_v6 : {false, true}) add_default_route(routes, endpoints, ways_out, is_v6, true);
  if (!routes.empty()) inside.execute(routes, "put the default routes of the container back");
}

std::map<std::string, Endpoints> Networks::recover(const std::vector<std::string>& live) {
  auto kept = state_->sort_endpoints(live);
  std::set<std::string> in_use;  // networks
  for (const auto& [id, endpoints] : kept)
    for (const auto& [name, endpoint] : endpoints)
      if (!endpoint.host_interface.empty()) in_use.insert(name);
  state_->keep_members(kept);
  // Containers run on whatever state the network is in: an engine that cannot repair it must start all the same.
  try {
    std::vector<LiveNetworkPtr> bridged;
    {
      std::lock_guard lock(state_->mutex);
      for (const auto& network : state_->networks)
        if (!network->config.bridge.empty()) bridged.push_back(network);
    }
    bool table = !bridged.empty() && table_is_there(state_->options);
    for (const auto& network : bridged)
      if (in_use.contains(network->config.name) || device_is_there(network->config.bridge) || table)
        state_->prepare(network);
    state_->tidy_interfaces(kept);
  } catch (const Error& e) {
    log::error("cannot restore the network: ", e.message());
  }
  return kept;
}

}  // namespace hull::network
