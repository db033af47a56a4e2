// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/container_filters.h"
#include "api/container_shapes.h"
#include "api/handlers.h"
#include "container/spec_fields.h"
#include "oci/json.h"

namespace hull::container {

// Of an update, besides what is in a HostConfig.
template <class Visitor>
void fields(Visitor& visit, Changes& value) {
  visit("Env", value.env);
  visit("UnsetEnv", value.unset_env);
  visit("Labels", value.labels);
  visit("UnsetLabels", value.unset_labels);
}

}  // namespace hull::container

namespace hull::api {

namespace {

void add_sizes(Json& out, Call& call, const std::string& id) {
  out["SizeRw"] = call.engine.size_rw(id);
  out["SizeRootFs"] = call.engine.size_root(id);
}

const Json* member(const Json& object, std::string_view name) {
  auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// What clients of older versions of the API mean by what they send (or cannot send yet).
void adapt_to_version(container::Spec& spec, const Call& call) {
  auto& host = spec.host;
  if (!call.since(42)) host.console_size = {0, 0};
  if (!call.since(43)) host.annotations.clear();
  if (!call.since(41) && host.cgroupns_mode.empty()) host.cgroupns_mode = "host";
  if (!call.since(44)) {
    if (spec.config.healthcheck) spec.config.healthcheck->start_interval = 0;
    for (auto& mount : host.mounts) {
      if (mount.type != "bind" || !mount.read_only) continue;
      if (!mount.bind_options) mount.bind_options.emplace();
      mount.bind_options->read_only_non_recursive = true;
    }
    if (spec.endpoints.size() > 1) fail_invalid("Container cannot be created with multiple network endpoints");
  }
  if (host.pids_limit && *host.pids_limit <= 0) host.pids_limit.reset();
}

// Before 1.44 the address was the container's, since then it is the endpoint's.
void move_mac_address(container::Spec& spec) {
  if (spec.config.mac_address.empty()) return;
  std::string mode = spec.host.network_mode.empty() ? "default" : spec.host.network_mode;
  auto& endpoint = spec.endpoints[mode];
  if (endpoint.mac_address.empty())
    endpoint.mac_address = spec.config.mac_address;
  else if (endpoint.mac_address != spec.config.mac_address)
    fail_invalid("conflicting MAC addresses: ", spec.config.mac_address, " for the container, ", endpoint.mac_address,
                 " for its endpoint");
}

}  // namespace

void list_containers(Call& call) {
  auto shown = container_filter(call);
  std::int64_t limit = call.query.integer("limit").value_or(0);
  bool sizes = call.query.flag("size");
  Timestamp time = now();
  Json out = Json::array();
  for (const auto& state : call.engine.list()) {
    if (!shown(*state)) continue;
    Json one = summary_shape(*state, call, time);
    if (sizes) {
      try {
        add_sizes(one, call, state->id);
      } catch (const Error& e) {
        if (e.kind() != Kind::kNotFound) throw;
        continue;  // removed while the list was made
      }
    }
    out.push_back(std::move(one));
    if (limit > 0 && out.size() >= static_cast<std::size_t>(limit)) break;
  }
  reply(call, 200, out);
}

void create_container(Call& call) {
  Json body = json_body(call);
  bool has_config = body.is_object() && std::ranges::any_of(body.items(), [](const auto& item) {
                      return item.key() != "HostConfig" && item.key() != "NetworkingConfig";
                    });
  if (!has_config) fail_invalid("config cannot be empty in order to create a container");
  container::CreateRequest request;
  request.name = call.query.get("name");
  request.platform = call.query.get("platform");
  request.raw_api_version = to_string(call.version);
  request.spec.config = from_json<container::Config>(body);
  if (auto host = member(body, "HostConfig")) request.spec.host = from_json<container::HostConfig>(*host);
  if (auto networking = member(body, "NetworkingConfig"))
    if (auto endpoints = member(*networking, "EndpointsConfig"))
      request.spec.endpoints = from_json<std::map<std::string, container::EndpointSettings>>(*endpoints);
  adapt_to_version(request.spec, call);
  move_mac_address(request.spec);

  auto result = call.engine.create(std::move(request));
  Json out;
  out["Id"] = result.id;
  out["Warnings"] = result.warnings;
  reply(call, 201, out);
}

void inspect_container(Call& call) {
  auto state = call.engine.get(call.parameter("name"));
  Json out = inspect_shape(*state, call);
  if (call.query.flag("size")) add_sizes(out, call, state->id);
  reply(call, 200, out);
}

void update_container(Call& call) {
  Json body = json_body(call);
  auto changes = from_json<container::Changes>(body);
  changes.host = from_json<container::HostConfig>(body);
  Json out;
  out["Warnings"] = call.engine.update(call.parameter("name"), changes);
  reply(call, 200, out);
}

void prune_containers(Call& call) {
  auto pruned = call.engine.prune(container_prune_filter(call));
  Json out;
  out["ContainersDeleted"] = pruned.ids;
  out["SpaceReclaimed"] = pruned.space_reclaimed;
  reply(call, 200, out);
}

void container_top(Call& call) {
  auto top = call.engine.top(call.parameter("name"), call.query.get("ps_args"));
  Json out;
  out["Titles"] = top.titles;
  out["Processes"] = top.processes;
  reply(call, 200, out);
}

void container_changes(Call& call) {
  Json out = Json::array();
  for (const store::Change& change : call.engine.changes(call.parameter("name")))
    out.push_back({{"Path", change.path}, {"Kind", static_cast<int>(change.kind)}});
  reply(call, 200, out);
}

}  // namespace hull::api
