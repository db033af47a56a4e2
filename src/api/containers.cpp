// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/container_filters.h"
#include "api/container_shapes.h"
#include "api/create_versions.h"
#include "api/handlers.h"
#include "container/block_rules.h"
#include "container/links.h"
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

// Of the body of a create, besides the fields of the Config itself.
struct NetworkingConfig {
  std::map<std::string, container::EndpointSettings> endpoints;
};
template <class Visitor>
void fields(Visitor& visit, NetworkingConfig& value) {
  visit("EndpointsConfig", value.endpoints);
}
struct CreateParts {
  container::HostConfig host;
  NetworkingConfig networking;
};
template <class Visitor>
void fields(Visitor& visit, CreateParts& value) {
  visit("HostConfig", value.host);
  visit("NetworkingConfig", value.networking);
}

}  // namespace

void list_containers(Call& call) {
  auto shown = container_filter(call);
  std::int64_t limit = call.query.integer("limit").value_or(0);
  bool sizes = call.query.flag("size");
  Timestamp time = now();
  Json out = Json::array();
  const auto all = call.engine.list();
  const auto linked = container::link_names(all);
  for (const auto& state : all) {
    if (!shown(*state)) continue;
    Json one = summary_shape(*state, call, time);
    if (auto names = linked.find(state->id); names != linked.end())
      for (const auto& name : names->second) one["Names"].push_back("/" + name);
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
  if (call.since(41)) request.platform = call.query.get("platform");
  request.spec.config = from_json<container::Config>(body);
  auto parts = from_json<CreateParts>(body);
  request.spec.host = std::move(parts.host);
  request.spec.endpoints = std::move(parts.networking.endpoints);
  auto warnings = adapt_to_version(request.spec, call);

  auto result = call.engine.create(std::move(request));
  result.warnings.insert(result.warnings.end(), warnings.begin(), warnings.end());
  Json out;
  out["Id"] = result.id;
  out["Warnings"] = result.warnings;
  reply(call, 201, out);
}

void inspect_container(Call& call) {
  auto state = call.engine.get_settled(call.parameter("name"));
  Json out = inspect_shape(*state, call);
  if (call.query.flag("size")) add_sizes(out, call, state->id);
  reply(call, 200, out);
}

void update_container(Call& call) {
  Json body = json_body(call);
  auto changes = from_json<container::Changes>(body);
  changes.host = from_json<container::HostConfig>(body);
  if (!call.since(40)) changes.host.pids_limit.reset();
  // They were part of the request before, and not looked at.
  if (!call.since(55)) container::for_block_rules([&](auto rules) { (changes.host.*rules).reset(); });
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
