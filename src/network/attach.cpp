// SPDX-License-Identifier: Apache-2.0
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "base/fault.h"
#include "base/id.h"
#include "linux/network_namespace.h"
#include "linux/port_reservation.h"
#include "network/attach_parts.h"
#include "network/endpoint_options.h"
#include "network/parent_link.h"
#include "oci/json.h"

namespace hull::network {

namespace {

Endpoint endpoint_in(const Network& network) {
  Endpoint endpoint;
  endpoint.network = network.name;
  endpoint.network_id = network.id;
  endpoint.endpoint_id = random_id();
  return endpoint;
}

// Each of them is a socket in two processes: a big range is for the kernel alone.
constexpr std::size_t kMostRelayed = 64;

std::string wanted_interface(const EndpointRequest& request) {
  auto given = request.driver_options.find(std::string(kInterfaceName));
  return given == request.driver_options.end() ? "" : given->second;
}

// The interface's name in the container: the one that is asked for, or the first that is neither another's nor
// `reserved` for one.
std::string interface_name(const Network& network, const EndpointRequest& request, const Endpoints& others,
                           const std::set<std::string>& reserved) {
  auto owner = [&](const std::string& name) {
    return std::ranges::find_if(others, [&](const auto& other) { return other.second.interface_name == name; });
  };
  if (std::string wanted = wanted_interface(request); !wanted.empty()) {
    if (auto other = owner(wanted); other != others.end())
      fail(Kind::kConflict, "the network ", network.name, " cannot have the interface ", hull::quoted(wanted),
           " of the container: the network ", other->first, " has it");
    return wanted;
  }
  auto prefix = network.options.find(std::string(kInterfacePrefix));
  for (int number = 0;; ++number) {
    std::string name = cat(prefix == network.options.end() ? "eth" : prefix->second, number);
    if (owner(name) == others.end() && !reserved.contains(name)) return name;
  }
}

std::string gateway_in(const LiveNetwork& network, const std::string& address, const Options& options) {
  auto inside = IpAddress::parse(address);
  if (!inside || network.config.internal) return "";
  if (is_child_driver(network.config.driver) && child_options(network.config).routes)
    return IpAddress::any(inside->is_v6()).text();
  const std::string& other = inside->is_v6() ? options.default_gateway6 : options.default_gateway;
  if (network.config.predefined && !other.empty()) return other;
  for (const auto& ipam : network.config.ipam)
    if (auto subnet = parse_subnet(ipam.subnet); subnet && subnet->contains(*inside)) return ipam.gateway;
  return "";
}

}  // namespace

Error programming_failed(const Error& cause, const std::string& container, const Endpoint& endpoint) {
  return cause.within(
      cat("failed to set up container networking: driver failed programming external connectivity on endpoint ",
          container, " (", endpoint.endpoint_id, ")"));
}

const Endpoint* gateway_endpoint(const Endpoints& endpoints, bool is_v6) {
  const Endpoint* best = nullptr;
  for (const auto& [name, endpoint] : endpoints) {
    if ((is_v6 ? endpoint.gateway6 : endpoint.gateway).empty()) continue;
    if (!best || endpoint.gateway_priority > best->gateway_priority) best = &endpoint;
  }
  return best;
}

namespace {

void add_addresses(linux::NetlinkBatch& batch, const Endpoint& endpoint, int interface, bool is_v6) {
  const std::string& own = is_v6 ? endpoint.address6 : endpoint.address;
  if (auto address = IpAddress::parse(own))
    linux::add_address(batch, {interface, *address, is_v6 ? endpoint.prefix_length6 : endpoint.prefix_length});
  for (const auto& text : endpoint.link_local)
    if (auto address = IpAddress::parse(text); address && address->is_v6() == is_v6)
      linux::add_address(batch, {interface, *address, is_v6 ? 64 : 16});
}

}  // namespace

void configure_ipv4(linux::NetlinkBatch& batch, const Endpoints& endpoints,
                    const std::map<std::string, int>& interfaces, Plug& plug, std::string_view operation) {
  for (const auto& [network, interface] : interfaces) {
    const Endpoint& endpoint = endpoints.at(network);
    add_addresses(batch, endpoint, interface, false);
    // After the address, which it announces.
    if (!endpoint.mac_address.empty()) linux::set_mac(batch, interface, parse_mac(endpoint.mac_address));
  }
  if (auto names = interfaces_with_ipv6(endpoints); !names.empty()) {
    // The kernel makes the link-local address of the hardware address that is there when IPv6 is switched on.
    linux::NetlinkSocket::require(execute_patiently(plug.inside, batch, {EADDRINUSE}), operation);
    batch = {};
    allow_ipv6(plug.network_namespace.get(), names);
  }
}

void add_ipv6_addresses(linux::NetlinkBatch& batch, const Endpoints& endpoints,
                        const std::map<std::string, int>& interfaces) {
  for (const auto& [network, interface] : interfaces) add_addresses(batch, endpoints.at(network), interface, true);
}

void add_default_route(linux::NetlinkBatch& batch, const Endpoints& endpoints,
                       const std::map<std::string, int>& interfaces, bool is_v6, bool replaces) {
  const Endpoint* through = gateway_endpoint(endpoints, is_v6);
  auto gateway = through ? IpAddress::parse(is_v6 ? through->gateway6 : through->gateway) : std::nullopt;
  if (gateway) linux::set_default_route(batch, interfaces.at(through->network), *gateway, replaces);
}

std::vector<std::string> interfaces_with_ipv6(const Endpoints& endpoints) {
  std::vector<std::string> names;
  for (const auto& [name, endpoint] : endpoints)
    if (!endpoint.address6.empty()) names.push_back(endpoint.interface_name);
  return names;
}

void assign_ports(Endpoints& endpoints, std::vector<PortBinding> bound) {
  const Endpoint* v4 = gateway_endpoint(endpoints, false);
  const Endpoint* v6 = gateway_endpoint(endpoints, true);
  for (auto& [name, endpoint] : endpoints) endpoint.ports.clear();
  for (auto& binding : bound) {
    bool by_v6 = is_ip6(binding.host_ip);
    binding.relayed = binding.relayed && !(by_v6 ? v6 : v4);
    const Endpoint* through = by_v6 != binding.relayed ? v6 : v4;
    if (through) endpoints.at(through->network).ports.push_back(std::move(binding));
  }
}

bool is_ip6(const std::string& address) { return address.find(':') != address.npos; }

void Networks::State::record(const std::string& container_id, const Endpoint& endpoint) {
  database.set_endpoint({container_id, endpoint.network, dump_json(to_json(endpoint))});
}

// Host and none: a name, and nothing to plug in.
Attachment Networks::State::attach_plainly(const AttachRequest& request, const Network& network) {
  Endpoint endpoint = endpoint_in(network);
  endpoint.interface_name.clear();
  record(request.container_id, endpoint);
  std::lock_guard lock(mutex);
  members[request.container_id] = {request.container_name, {{network.name, endpoint}}, {}};
  return {{}, {{network.name, std::move(endpoint)}}};
}

namespace {

// Interfaces that have the hardware address of their parent.
bool keeps_mac(const Network& network, const EndpointRequest& request) {
  if (!is_child_driver(network.driver)) return false;
  ChildOptions options = child_options(network);
  return options.is_ipvlan || (options.mode == MACVLAN_MODE_PASSTHRU && request.mac_address.empty());
}

}  // namespace

Endpoint Networks::State::new_endpoint(const LiveNetworkPtr& network, const EndpointRequest& request,
                                       const Endpoints& others, const Endpoints& former,
                                       const std::set<std::string>& reserved) {
  Network config;
  {
    std::lock_guard lock(mutex);
    config = network->config;
  }
  if (!config.bridge.empty()) ready_bridge(network);
  Endpoint endpoint = endpoint_in(config);
  endpoint.interface_name = interface_name(config, request, others, reserved);
  endpoint.link_local = request.link_local;
  endpoint.names = request.names;
  endpoint.links = request.links;
  endpoint.gateway_priority = request.gateway_priority;
  endpoint.direct = options.direct_routing || !option_of(config, kTrustedInterfaces).empty();
  Rollback rollback;
  rollback.add("addresses", [&] { give_back_addresses(endpoint); });
  auto before = former.find(config.name);
  const Endpoint last = before == former.end() ? Endpoint{} : before->second;
  if (config.ipv4)
    endpoint.address = take_address(*network, false, request.address, endpoint.prefix_length, last.address);
  if (config.ipv6 && request.ipv6 && !disables_ipv6(request.driver_options))
    endpoint.address6 = take_address(*network, true, request.address6, endpoint.prefix_length6, last.address6);
  {
    std::lock_guard lock(mutex);
    endpoint.gateway = gateway_in(*network, endpoint.address, options);
    endpoint.gateway6 = gateway_in(*network, endpoint.address6, options);
  }
  if (keeps_mac(config, request)) {
    rollback.commit();
    return endpoint;
  }
  auto own = IpAddress::parse(endpoint.address.empty() ? endpoint.address6 : endpoint.address);
  auto generated = [&] { return own ? mac_of_address(*own) : random_mac(); };
  endpoint.mac_address = format_mac(request.mac_address.empty() ? generated() : parse_mac(request.mac_address));
  rollback.commit();
  return endpoint;
}

Wire hairpin_only(const std::string& host_interface) {
  Wire wire;
  wire.host_interface = host_interface;
  wire.hairpin = true;
  return wire;
}

Wire wire_of(const Network& network, const Endpoint& endpoint) {
  return {endpoint.host_interface, endpoint.interface_name, mtu_of(network), !option_is_set(network, kIcc, true),
          !endpoint.ports.empty()};
}

int Networks::State::plug_in(const LiveNetworkPtr& network, const Endpoint& endpoint, Plug& plug) {
  Network config;
  {
    std::lock_guard lock(mutex);
    config = network->config;
  }
  if (is_child_driver(config.driver))
    return add_child_link(config, endpoint, plug.network_namespace.get(), plug.inside, marks.live);
  Wire wire = wire_of(config, endpoint);
  Bridge bridge = ready_bridge(network);
  try {
    return add_wire(marks, wire, bridge, plug.network_namespace.get(), plug.inside);
  } catch (const Error&) {
    linux::NetlinkSocket socket(NETLINK_ROUTE);
    auto link = linux::find_link(socket, bridge.name);
    if (link && link->index == bridge.index) throw;
  }
  // Somebody deleted the bridge under us.
  prepare(network);
  return add_wire(marks, wire, ready_bridge(network), plug.network_namespace.get(), plug.inside);
}

Plug Networks::State::take_empty_plug(int network_namespace) {
  if (network_namespace >= 0) return open_plug(make_isolated_namespace(network_namespace));
  auto ready = isolated.take();
  return open_plug(ready ? std::move(*ready) : make_isolated_namespace());
}

std::vector<PortBinding> Networks::State::bind_ports(const std::string& container_id, const Endpoints& endpoints,
                                                     std::vector<PortBinding> wanted) {
  const Endpoint* v4 = gateway_endpoint(endpoints, false);
  const Endpoint* v6 = gateway_endpoint(endpoints, true);
  if (!v4 && !v6) return {};  // nothing comes in from outside
  // Who is on the network of an interface of the host needs no port of the host.
  auto leads_in = [&](const Endpoint* endpoint) {
    return endpoint && get(endpoint->network_id)->config.driver == "bridge";
  };
  if (!leads_in(v4)) v4 = nullptr;
  if (!leads_in(v6)) v6 = nullptr;
  if (!v4 && !v6) return {};
  auto network = get((v4 ? v4 : v6)->network_id);
  for (auto& binding : wanted) {
    if (!binding.host_ip.empty()) continue;
    auto given = network->config.options.find(std::string(kHostBinding));
    const std::string& host = given == network->config.options.end() ? options.default_binding : given->second;
    auto address = IpAddress::parse(host);
    if (address && !address->is_any()) binding.host_ip = host;
  }
  auto is_routed = [&](const Endpoint* endpoint, bool is_v6) {
    return gateway_mode_of(get(endpoint->network_id)->config, is_v6) == GatewayMode::kRouted;
  };
  WayIn in4 = v4 ? WayIn{v4->address, is_routed(v4, false), false} : WayIn{};
  WayIn in6 = v6 ? WayIn{v6->address6, is_routed(v6, true), false} : WayIn{};
  in6.relayed = v4 && !v6 && !in4.routed && wanted.size() <= kMostRelayed && linux::has_ipv6();
  return ports.reserve(container_id, wanted, in4, in6);
}

void Networks::State::publish(const std::string& container, const Endpoints& endpoints) {
  try {
    firewall.publish(endpoints);
  } catch (const Error& e) {
    for (const auto& [name, endpoint] : endpoints)
      if (!endpoint.ports.empty()) throw programming_failed(e, container, endpoint);
    throw;
  }
}

Attachment Networks::State::attach(const AttachRequest& request) {
  std::vector<LiveNetworkPtr> wanted;
  std::vector<std::shared_ptr<const void>> arrivals;
  for (const auto& one : request.endpoints) {
    wanted.push_back(get(one.network));
    arrivals.push_back(arrive_at(wanted.back()));
  }
  if (wanted.empty()) fail_invalid("a container needs a network to be attached to");
  for (const auto& network : wanted)
    if (network->config.config_only)
      fail(Kind::kForbidden, "cannot create endpoint on configuration-only network ", network->config.name);
  if (wanted.front()->config.driver == "null" || wanted.front()->config.driver == "host")
    return attach_plainly(request, wanted.front()->config);
  std::string container = request.container_name.empty() ? short_id(request.container_id) : request.container_name;

  // A plug is dropped with its namespace and interfaces when anything below fails.
  bool on_default = wanted.front() == default_bridge && request.network_namespace < 0 &&
                    !request.endpoints.front().driver_options.contains(std::string(kInterfaceName));
  Plug plug = on_default ? take_plug() : take_empty_plug(request.network_namespace);
  Endpoints endpoints, former;
  {
    std::lock_guard lock(mutex);
    if (auto node = ended.extract(request.container_id)) former = std::move(node.mapped());
  }
  std::vector<std::string> order;
  std::vector<PortBinding> bound;
  Rollback rollback;  // after what it looks at
  rollback.add("addresses", [&] {
    for (const auto& [name, endpoint] : endpoints) give_back_addresses(endpoint);
  });
  std::set<std::string> reserved;
  for (const auto& one : request.endpoints) reserved.insert(wanted_interface(one));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (endpoints.contains(wanted[i]->config.name)) continue;  // named twice, by name and by id
    Endpoint endpoint = new_endpoint(wanted[i], request.endpoints[i], endpoints, former, reserved);
    if (i == 0 && on_default)
      endpoint.host_interface = plug.host_interface;
    else if (!is_child_driver(wanted[i]->config.driver))
      endpoint.host_interface = new_interface_name();
    order.push_back(endpoint.network);
    endpoints.emplace(endpoint.network, std::move(endpoint));
  }

  if (!request.ports.empty()) {
    try {
      bound = bind_ports(request.container_id, endpoints, request.ports);
    } catch (const Error& e) {
      throw programming_failed(e, container, endpoints.at(order.front()));
    }
    rollback.add("ports", [&] { ports.release(bound); });
    assign_ports(endpoints, bound);
  }

  rollback.add("endpoints", [&] { database.remove_endpoints(request.container_id); });
  for (const auto& name : order) record(request.container_id, endpoints.at(name));
  fault::point("attach.recorded");

  std::map<std::string, int> interfaces;
  linux::NetlinkBatch batch;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Endpoint& endpoint = endpoints.at(order[i]);
    if (i == 0 && on_default) {
      interfaces[order[i]] = plug.interface;
      if (!endpoint.ports.empty()) set_port_flags(hairpin_only(plug.host_interface));
    } else {
      interfaces[order[i]] = plug_in(get(endpoint.network_id), endpoint, plug);
    }
  }
  const std::string operation = cat("configure the interfaces of ", container);
  configure_ipv4(batch, endpoints, interfaces, plug, operation);
  for (const auto& one : request.endpoints)
    if (auto found = endpoints.find(get(one.network)->config.name); found != endpoints.end())
      apply_sysctls(plug.network_namespace.get(), found->second, one);
  add_ipv6_addresses(batch, endpoints, interfaces);
  for (bool is_v6 : {false, true}) add_default_route(batch, endpoints, interfaces, is_v6, true);
  // An address of an ipvlan parent may still be taken by who had it before.
  linux::NetlinkSocket::require(execute_patiently(plug.inside, batch, {EADDRINUSE}), operation);
  fault::point("attach.plugged");

  rollback.add("name server", [&] { serve_names(request.container_id, {}, {}, -1); });
  serve_names(request.container_id, request.name_servers, endpoints, plug.network_namespace.get());

  rollback.add("published ports", [&] { firewall.withdraw(endpoints); });
  publish(container, endpoints);
  fault::point("attach.published");
  {
    std::lock_guard lock(mutex);
    members[request.container_id] = {container, endpoints, request.name_servers};
  }
  rollback.commit();
  if (on_default) plugs.fill();
  if (!on_default) isolated.fill();
  return {std::move(plug.network_namespace), std::move(endpoints)};
}

}  // namespace hull::network
