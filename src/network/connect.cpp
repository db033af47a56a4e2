// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/fault.h"
#include "base/log.h"
#include "network/attach_parts.h"
#include "network/parent_link.h"

// Networks that come and go while a container runs.
namespace hull::network {

namespace {

UniqueFd duplicate(int fd) { return UniqueFd(check(::fcntl(fd, F_DUPFD_CLOEXEC, 0), "dup")); }

bool same_gateway(const Endpoints& before, const Endpoints& now, bool is_v6) {
  const Endpoint* old = gateway_endpoint(before, is_v6);
  const Endpoint* present = gateway_endpoint(now, is_v6);
  return (old ? old->endpoint_id : "") == (present ? present->endpoint_id : "");
}

// A default route that is not the engine's, made by somebody in the container, is theirs to take away.
void change_default_routes(const Endpoints& before, const Endpoints& now, linux::NetlinkSocket& inside) {
  if (same_gateway(before, now, false) && same_gateway(before, now, true)) return;
  linux::NetlinkBatch batch;
  const auto interfaces = gateway_interfaces(now, inside);
  for (bool is_v6 : {false, true})
    add_default_route(batch, now, interfaces, is_v6, gateway_endpoint(before, is_v6) != nullptr);
  if (batch.empty()) return;
  auto outcomes = inside.try_execute(batch);
  if (std::ranges::any_of(outcomes, [](const auto& one) { return one.code == EEXIST; }))
    fail(Kind::kInternal,
         "failed to set gateway: file exists: the container has a default route that is not the engine's; delete it in "
         "the container, or connect it to an internal network");
  linux::NetlinkSocket::require(outcomes, "change the default routes of the container");
}

}  // namespace

std::vector<PortBinding> ports_of(const Endpoints& endpoints) {
  std::vector<PortBinding> bound;
  for (const auto& [name, endpoint] : endpoints)
    bound.insert(bound.end(), endpoint.ports.begin(), endpoint.ports.end());
  return bound;
}

HostPort host_port_of(const PortBinding& binding) { return {binding.protocol, binding.host_ip, binding.host_port}; }

std::map<std::string, int> gateway_interfaces(const Endpoints& endpoints, linux::NetlinkSocket& inside) {
  std::map<std::string, int> interfaces;
  for (bool is_v6 : {false, true}) {
    const Endpoint* through = gateway_endpoint(endpoints, is_v6);
    auto link = through ? linux::find_link(inside, through->interface_name) : std::nullopt;
    if (through && !link)
      fail(Kind::kInternal, "the container's interface ", through->interface_name, " of the network ", through->network,
           " is not there any more");
    if (link) interfaces[through->network] = link->index;
  }
  return interfaces;
}

void Networks::State::delete_interface(const Endpoint& endpoint, Plug& plug) {
  if (!endpoint.host_interface.empty()) return delete_interfaces({endpoint.host_interface});
  auto link = linux::find_link(plug.inside, endpoint.interface_name);
  if (!link) return;
  linux::NetlinkBatch batch;
  linux::delete_link(batch, link->index);
  plug.inside.execute(batch, cat("delete the interface ", endpoint.interface_name, " of the container"));
}

Member Networks::State::member(const std::string& container_id) const {
  std::lock_guard lock(mutex);
  auto found = members.find(container_id);
  if (found == members.end()) fail(Kind::kConflict, "container ", container_id, " is not running");
  return found->second;
}

void Networks::State::follow_gateways(const std::string& container_id, const Endpoints& before, Endpoints& now,
                                      const std::vector<PortBinding>& wanted) {
  if (same_gateway(before, now, false) && same_gateway(before, now, true)) return;
  auto bound = ports_of(before);
  firewall.withdraw(before);
  if (bound.empty()) bound = bind_ports(container_id, now, wanted);
  assign_ports(now, bound);
  for (const auto& [name, endpoint] : now) {
    record(container_id, endpoint);
    if (!endpoint.ports.empty()) set_port_flags(hairpin_only(endpoint.host_interface));
  }
  publish(container_id, now);
  // What nothing leads to any more.
  std::set<HostPort> kept;
  for (const auto& one : ports_of(now)) kept.insert(host_port_of(one));
  std::erase_if(bound, [&](const PortBinding& one) { return kept.contains(host_port_of(one)); });
  ports.release(bound);
}

Endpoints Networks::State::connect(const std::string& container_id, const EndpointRequest& request,
                                   const std::vector<PortBinding>& wanted, int network_namespace) {
  auto network = get(request.network);
  auto arrival = arrive_at(network);
  Member present = member(container_id);
  if (present.endpoints.contains(network->config.name))
    fail(Kind::kForbidden, "endpoint with name ", present.name, " already exists in network ", network->config.name);
  Plug plug = open_plug(duplicate(network_namespace));

  Endpoints now = present.endpoints;
  Endpoint endpoint = new_endpoint(network, request, now);
  Rollback rollback;
  rollback.add("addresses", [&] { give_back_addresses(endpoint); });
  // One that somebody made in there: it is not to be lost when this one cannot be made.
  if (linux::find_link(plug.inside, endpoint.interface_name))
    fail(Kind::kConflict, "the container has an interface ", hull::quoted(endpoint.interface_name),
         " of its own already");
  endpoint.pending = true;
  if (!is_child_driver(network->config.driver)) endpoint.host_interface = new_interface_name();
  rollback.add("endpoint", [&] { database.remove_endpoint(container_id, endpoint.network); });
  record(container_id, endpoint);
  fault::point("connect.recorded");
  rollback.add("interface", [&] { delete_interface(endpoint, plug); });
  int interface = plug_in(network, endpoint, plug);
  fault::point("connect.plugged");
  const std::string operation = cat("configure the interface ", endpoint.interface_name);
  const Endpoints added{{endpoint.network, endpoint}};
  linux::NetlinkBatch batch;
  configure_ipv4(batch, added, {{endpoint.network, interface}}, plug, operation);
  apply_sysctls(network_namespace, endpoint, request);
  add_ipv6_addresses(batch, added, {{endpoint.network, interface}});
  if (!batch.empty()) plug.inside.execute(batch, operation);
  now.emplace(endpoint.network, endpoint);
  rollback.add("default routes and ports", [&] {
    Endpoints former = present.endpoints;
    change_default_routes(now, former, plug.inside);
    follow_gateways(container_id, now, former, wanted);
  });
  change_default_routes(present.endpoints, now, plug.inside);
  follow_gateways(container_id, present.endpoints, now, wanted);
  fault::point("connect.followed");
  rollback.add("names", [&] { serve_names(container_id, present.name_servers, present.endpoints, network_namespace); });
  serve_names(container_id, present.name_servers, now, network_namespace);
  fault::point("connect.named");
  Endpoint& settled = now.at(endpoint.network);
  settled.pending = false;
  record(container_id, settled);
  {
    std::lock_guard lock(mutex);
    auto found = members.find(container_id);
    if (found == members.end()) fail(Kind::kConflict, "container ", container_id, " has ended meanwhile");
    found->second.endpoints = now;
  }
  rollback.commit();
  return now;
}

Endpoints Networks::State::disconnect(const std::string& container_id, const std::string& network,
                                      const std::vector<PortBinding>& wanted, int network_namespace) {
  Member present = member(container_id);
  Endpoints now = present.endpoints;
  auto node = now.extract(network);
  if (!node) fail(Kind::kInternal, "container ", container_id, " is not connected to network ", network);
  Plug plug = open_plug(duplicate(network_namespace));
  delete_interface(node.mapped(), plug);
  fault::point("disconnect.unplugged");
  try {
    change_default_routes(present.endpoints, now, plug.inside);
  } catch (const Error& e) {
    // It is off this network all the same: an interface that leads out may have been set down in there.
    log::warn("container ", present.name, " has no way out after it was disconnected from ", network, ": ",
              e.message());
  }
  follow_gateways(container_id, present.endpoints, now, wanted);
  fault::point("disconnect.followed");
  serve_names(container_id, present.name_servers, now, network_namespace);
  database.remove_endpoint(container_id, network);
  fault::point("disconnect.forgotten");
  give_back_addresses(node.mapped());
  std::lock_guard lock(mutex);
  if (auto found = members.find(container_id); found != members.end()) found->second.endpoints = now;
  return now;
}

}  // namespace hull::network
