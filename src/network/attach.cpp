// SPDX-License-Identifier: Apache-2.0
#include <linux/rtnetlink.h>

#include "base/id.h"
#include "base/rollback.h"
#include "network/state.h"
#include "oci/json.h"

namespace hull::network {

namespace {

Error programming_failed(const Error& cause, const AttachRequest& request, const Endpoint& endpoint) {
  std::string name = request.container_name.empty() ? short_id(request.container_id) : request.container_name;
  return cause.within(
      cat("driver failed programming external connectivity on endpoint ", name, " (", endpoint.endpoint_id, ")"));
}

void let_it_use_its_own_ports(const std::string& host_interface) {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  auto link = linux::find_link(socket, host_interface);
  if (!link) fail(Kind::kInternal, "the interface ", host_interface, " has vanished");
  linux::NetlinkBatch batch;
  linux::set_hairpin(batch, link->index);
  socket.execute(batch, cat("set hairpin mode of ", host_interface));
}

Endpoint endpoint_in(const Network& network) {
  Endpoint endpoint;
  endpoint.network = network.name;
  endpoint.network_id = network.id;
  endpoint.endpoint_id = random_id();
  return endpoint;
}

}  // namespace

void Networks::State::record(const AttachRequest& request, const Endpoint& endpoint) {
  database.set_endpoint({request.container_id, endpoint.network, dump_json(to_json(endpoint))});
}

Attachment Networks::State::attach_isolated(const AttachRequest& request, const Network& network) {
  Endpoint endpoint = endpoint_in(network);
  endpoint.interface_name.clear();
  record(request, endpoint);
  std::lock_guard lock(mutex);
  endpoints[request.container_id] = endpoint;
  return {{}, std::move(endpoint)};
}

Attachment Networks::State::attach_to_bridge(const AttachRequest& request, const Network& network) {
  // Dropped with its namespace and interfaces when anything below fails.
  Plug plug = take_plug(request.network_namespace);
  Bridge gateway = ready_bridge();
  Rollback rollback;

  Subnet address{take_address(), gateway.address.prefix_length};
  Endpoint endpoint = endpoint_in(network);
  endpoint.host_interface = plug.host_interface;
  endpoint.address = format_address(address.address);
  endpoint.prefix_length = address.prefix_length;
  endpoint.gateway = format_address(gateway.address.address);
  rollback.add("address", [&] { give_back_address(endpoint.address); });
  auto mac = request.mac_address.empty() ? mac_of_address(address.address) : parse_mac(request.mac_address);
  endpoint.mac_address = format_mac(mac);

  if (!request.ports.empty()) {
    try {
      endpoint.ports = ports.reserve(request.ports, endpoint.address);
    } catch (const Error& e) {
      throw programming_failed(e, request, endpoint);
    }
    rollback.add("ports", [&] { ports.release(endpoint.ports); });
  }

  record(request, endpoint);
  rollback.add("endpoint", [&] { database.remove_endpoints(request.container_id); });
  configure_plug(plug, address, mac, gateway.address.address);

  if (!endpoint.ports.empty()) {
    let_it_use_its_own_ports(plug.host_interface);
    try {
      firewall.publish(endpoint.address, endpoint.ports);
    } catch (const Error& e) {
      throw programming_failed(e, request, endpoint);
    }
    rollback.add("published ports", [&] { firewall.withdraw(endpoint.ports); });
  }
  {
    std::lock_guard lock(mutex);
    endpoints[request.container_id] = endpoint;
  }
  rollback.commit();
  plugs.fill();
  return {std::move(plug.network_namespace), std::move(endpoint)};
}

}  // namespace hull::network
