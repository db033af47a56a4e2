// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/filters.h"
#include "api/handlers.h"
#include "api/json_reply.h"
#include "api/status.h"
#include "base/log.h"
#include "container/spec_fields.h"
#include "oci/json.h"

namespace hull::api {

namespace {

using network::Network;

struct IpamBody {
  std::string driver;
  std::optional<std::map<std::string, std::string>> options;
  std::vector<network::IpamConfig> config;
};
template <class Visitor>
void fields(Visitor& visit, IpamBody& value) {
  visit("Driver", value.driver);
  visit("Options", value.options);
  visit("Config", value.config);
}

struct ConfigReference {
  std::string network;
};
template <class Visitor>
void fields(Visitor& visit, ConfigReference& value) {
  visit("Network", value.network);
}

struct CreateBody {
  std::string name, driver, scope;
  bool internal = false, attachable = false, ingress = false, config_only = false;
  std::optional<ConfigReference> config_from;
  std::optional<IpamBody> ipam;
  std::optional<bool> ipv4, ipv6;
  std::map<std::string, std::string> options, labels;
};
template <class Visitor>
void fields(Visitor& visit, CreateBody& value) {
  visit("Name", value.name);
  visit("Driver", value.driver);
  visit("Scope", value.scope);
  visit("Internal", value.internal);
  visit("Attachable", value.attachable);
  visit("Ingress", value.ingress);
  visit("ConfigOnly", value.config_only);
  visit("ConfigFrom", value.config_from);
  visit("IPAM", value.ipam);
  visit("EnableIPv4", value.ipv4);
  visit("EnableIPv6", value.ipv6);
  visit("Options", value.options);
  visit("Labels", value.labels);
}

struct ConnectBody {
  std::string container;
  std::optional<container::EndpointSettings> settings;
  bool force = false;
};
template <class Visitor>
void fields(Visitor& visit, ConnectBody& value) {
  visit("Container", value.container);
  visit("EndpointConfig", value.settings);
  visit("Force", value.force);
}

std::string with_length(const std::string& address, int length) {
  return address.empty() ? "" : cat(address, "/", length);
}

// Who is plugged in now, by container.
Json containers_of(const Network& network, const Call& call) {
  Json out = Json::object();
  auto members = call.services().networks.members(network.id);
  for (const auto& state : call.engine.list()) {
    auto found = members.find(state->id);
    if (found == members.end()) continue;
    const auto& endpoint = found->second;
    out[state->id] = {{"Name", state->name},
                      {"EndpointID", endpoint.endpoint_id},
                      {"MacAddress", endpoint.mac_address},
                      {"IPv4Address", with_length(endpoint.address, endpoint.prefix_length)},
                      {"IPv6Address", with_length(endpoint.address6, endpoint.prefix_length6)}};
  }
  return out;
}

Json ipam_shape(const Network& network) {
  Json pools = Json::array();
  for (const auto& one : network.ipam) pools.push_back(to_json(one));
  return {{"Driver", network.ipam_driver}, {"Options", to_json(network.ipam_options)}, {"Config", pools}};
}

// Since 1.52.
Json status_shape(const Network& network, const Call& call) {
  Json subnets = Json::object();
  for (const auto& [subnet, use] : call.services().networks.address_use(network.id))
    subnets[subnet.text()] = {{"IPsInUse", use.in_use}, {"DynamicIPsAvailable", use.available}};
  Json ipam = Json::object();
  if (!subnets.empty()) ipam["Subnets"] = subnets;
  return {{"IPAM", ipam}};
}

Json network_shape(const Network& network, const Call& call, bool with_containers) {
  Json out;
  out["Name"] = network.name;
  out["Id"] = network.id;
  out["Created"] = format_rfc3339({network.created});
  out["Scope"] = "local";
  out["Driver"] = network.driver;
  if (call.since(48)) out["EnableIPv4"] = network.ipv4;
  out["EnableIPv6"] = network.ipv6;
  out["IPAM"] = ipam_shape(network);
  out["Internal"] = network.internal;
  out["Attachable"] = network.attachable;
  out["Ingress"] = false;
  out["ConfigFrom"] = {{"Network", network.config_from}};
  out["ConfigOnly"] = network.config_only;
  out["Containers"] = with_containers ? containers_of(network, call) : Json::object();
  out["Options"] = to_json(network.options);
  out["Labels"] = to_json(network.labels);
  return out;
}

// Whether no container has it: neither one that runs, nor one that would use it when it is started.
bool is_unused(const Network& network, const Call& call) {
  return std::ranges::none_of(call.engine.list(), [&](const auto& state) {
    return state->endpoints.contains(network.name) || state->spec->endpoints.contains(network.name);
  });
}

void tell(const Call& call, const Network& network, const std::string& action) {
  container::Event event;
  event.type = "network";
  event.action = action;
  event.actor_id = network.id;
  event.attributes = {{"name", network.name}, {"type", network.driver}};
  call.services().events.publish(std::move(event));
}

Network wish_of(const CreateBody& body) {
  Network wish;
  wish.name = body.name;
  wish.driver = body.driver;
  wish.internal = body.internal;
  wish.attachable = body.attachable;
  wish.ipv4 = body.ipv4.value_or(true);
  wish.ipv6 = body.ipv6.value_or(false);
  wish.config_only = body.config_only;
  if (body.config_from) wish.config_from = body.config_from->network;
  if (body.ipam) {
    if (!body.ipam->driver.empty()) wish.ipam_driver = body.ipam->driver;
    wish.ipam_options = body.ipam->options;
    wish.ipam = body.ipam->config;
  }
  wish.options = body.options;
  wish.labels = body.labels;
  return wish;
}

}  // namespace

void list_networks(Call& call) {
  Filters filters(call.query, {"name", "id", "driver", "type", "scope", "label", "dangling"});
  auto dangling = filters.flag("dangling");
  for (const auto& type : filters.values("type"))
    if (type != "builtin" && type != "custom") fail_invalid("invalid filter: 'type'='", type, "'");
  Json out = Json::array();
  for (const auto& network : call.services().networks.list()) {
    bool shown = filters.pattern("name", network.name) && filters.prefix("id", network.id) &&
                 filters.exact("driver", network.driver) && filters.exact("scope", "local") &&
                 filters.exact("type", network.predefined ? "builtin" : "custom") && filters.labels(network.labels);
    if (shown && dangling) shown = *dangling == (!network.predefined && is_unused(network, call));
    if (shown) out.push_back(network_shape(network, call, false));
  }
  reply(call, 200, out);
}

void inspect_network(Call& call) {
  const std::string& name = call.parameter("name");
  auto network = call.services().networks.find(name);
  std::string scope = call.query.get("scope");
  if (!network || (!scope.empty() && scope != "local")) fail(Kind::kNotFound, "network ", name, " not found");
  Json out = network_shape(*network, call, true);
  if (call.since(52)) out["Status"] = status_shape(*network, call);
  // What only a swarm would have more to say about.
  if (call.query.flag("verbose")) out["Services"] = Json::object();
  reply(call, 200, out);
}

void create_network(Call& call) {
  auto body = from_json<CreateBody>(json_body(call));
  if (body.ingress || body.scope == "swarm") fail_without_swarm();
  if (!call.since(48)) body.ipv4.reset();  // there was no network without it
  auto network = call.services().networks.create(wish_of(body), {body.ipv4.has_value(), body.ipv6.has_value()});
  tell(call, network, "create");
  Json out;
  out["Id"] = network.id;
  out["Warning"] = "";
  reply(call, 201, out);
}

void remove_network(Call& call) {
  auto network = call.services().networks.remove(call.parameter("name"));
  tell(call, network, "destroy");
  call.send_empty(204);
}

void prune_networks(Call& call) {
  Filters filters(call.query, {"label", "label!", "until"});
  auto until = filters.until();
  Json deleted = Json::array();
  for (const auto& network : call.services().networks.list()) {
    if (network.predefined || !filters.labels(network.labels) || !is_unused(network, call)) continue;
    if (until && network.created > until->nanoseconds) continue;
    try {
      call.services().networks.remove(network.id);
    } catch (const Error& e) {
      log::info("prune leaves network ", network.name, ": ", e.message());
      continue;
    }
    tell(call, network, "destroy");
    deleted.push_back(network.name);
  }
  Json out;
  out["NetworksDeleted"] = deleted;
  reply(call, 200, out);
}

void connect_network(Call& call) {
  auto body = from_json<ConnectBody>(json_body(call));
  call.engine.connect(body.container, call.parameter("name"), body.settings.value_or(container::EndpointSettings{}));
  call.response.send(200, "", "");
}

void disconnect_network(Call& call) {
  auto body = from_json<ConnectBody>(json_body(call));
  call.engine.disconnect(body.container, call.parameter("name"), body.force);
  call.response.send(200, "", "");
}

}  // namespace hull::api
