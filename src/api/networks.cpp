// SPDX-License-Identifier: Apache-2.0
#include "api/filters.h"
#include "api/handlers.h"
#include "api/json_reply.h"
#include "oci/json.h"

namespace hull::api {

namespace {

using network::Network;

// Who is plugged in now, by container.
Json containers_of(const Network& network, const Call& call) {
  Json out = Json::object();
  for (const auto& state : call.engine.list()) {
    for (const auto& [name, endpoint] : state->endpoints) {
      if (endpoint.network_id != network.id && name != network.name) continue;
      out[state->id] = {
          {"Name", state->name},
          {"EndpointID", endpoint.endpoint_id},
          {"MacAddress", endpoint.mac_address},
          {"IPv4Address", endpoint.address.empty() ? "" : cat(endpoint.address, "/", endpoint.prefix_length)},
          {"IPv6Address", ""}};
    }
  }
  return out;
}

Json network_shape(const Network& network, const Call& call, bool with_containers) {
  Json pools = Json::array();
  if (!network.subnet.empty()) pools.push_back({{"Subnet", network.subnet}, {"Gateway", network.gateway}});
  Json options = Json::object();
  if (network.driver == "bridge") {
    options["com.docker.network.bridge.default_bridge"] = "true";
    options["com.docker.network.bridge.enable_icc"] = "true";
    options["com.docker.network.bridge.enable_ip_masquerade"] = "true";
    options["com.docker.network.bridge.host_binding_ipv4"] = "0.0.0.0";
    options["com.docker.network.bridge.name"] = network.bridge;
    options["com.docker.network.driver.mtu"] = "1500";
  }
  Json out;
  out["Name"] = network.name;
  out["Id"] = network.id;
  out["Created"] = format_rfc3339({network.created});
  out["Scope"] = "local";
  out["Driver"] = network.driver;
  if (call.since(48)) out["EnableIPv4"] = true;
  out["EnableIPv6"] = false;
  out["IPAM"] = {{"Driver", "default"}, {"Options", nullptr}, {"Config", pools}};
  out["Internal"] = false;
  out["Attachable"] = false;
  out["Ingress"] = false;
  out["ConfigFrom"] = {{"Network", ""}};
  out["ConfigOnly"] = false;
  out["Containers"] = with_containers ? containers_of(network, call) : Json::object();
  out["Options"] = options;
  out["Labels"] = Json::object();
  return out;
}

}  // namespace

void list_networks(Call& call) {
  Filters filters(call.query, {"name", "id", "driver", "type", "scope", "label", "dangling"});
  auto dangling = filters.flag("dangling");
  for (const auto& type : filters.values("type"))
    if (type != "builtin" && type != "custom") fail_invalid("invalid filter: 'type'='", type, "'");
  Json out = Json::array();
  for (const auto& network : call.services().networks.list()) {
    // All that there are are built in: in use by definition, without labels.
    bool shown = filters.pattern("name", network.name) && filters.prefix("id", network.id) &&
                 filters.exact("driver", network.driver) && filters.exact("scope", "local") &&
                 filters.exact("type", "builtin") && filters.labels({}) && !dangling.value_or(false);
    if (shown) out.push_back(network_shape(network, call, false));
  }
  reply(call, 200, out);
}

void inspect_network(Call& call) {
  const std::string& name = call.parameter("name");
  auto network = call.services().networks.find(name);
  std::string scope = call.query.get("scope");
  if (!network || (!scope.empty() && scope != "local")) fail(Kind::kNotFound, "network ", name, " not found");
  reply(call, 200, network_shape(*network, call, true));
}

}  // namespace hull::api
