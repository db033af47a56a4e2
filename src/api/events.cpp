// SPDX-License-Identifier: Apache-2.0
#include "api/filters.h"
#include "api/handlers.h"
#include "oci/json.h"

namespace hull::api {

namespace {

using container::Event;

Json event_shape(const Event& event) {
  Json out;
  // The three that came before Type and Action: old clients crash without them.
  bool legacy = event.type == "container" || event.type == "image";
  if (legacy) {
    out["status"] = event.action;
    out["id"] = event.actor_id;
    auto image = event.attributes.find("image");
    if (event.type == "container" && image != event.attributes.end()) out["from"] = image->second;
  }
  out["Type"] = event.type;
  out["Action"] = event.action;
  out["Actor"] = {{"ID", event.actor_id}, {"Attributes", to_json(event.attributes)}};
  out["scope"] = "local";
  out["time"] = event.time.nanoseconds / 1'000'000'000;
  out["timeNano"] = event.time.nanoseconds;
  return out;
}

// "container=web" fits an event about the container, or one that names it: id, name, or the beginning of either.
bool about(const Filters& filters, std::string_view type, const Event& event) {
  if (!filters.has(type)) return true;
  auto named = event.attributes.find(event.type == type ? "name" : std::string(type));
  if (event.type == type && filters.prefix(type, event.actor_id)) return true;
  return named != event.attributes.end() && filters.prefix(type, named->second);
}

bool shown(const Filters& filters, const Event& event) {
  // "exec_create" and "health_status" stand for all that begin so ("exec_create: sh").
  bool action = filters.exact("event", event.action) || filters.exact("event", split_once(event.action, ':').first);
  return action && filters.exact("type", event.type) && filters.exact("scope", "local") &&
         filters.labels(event.attributes) && about(filters, "container", event) && about(filters, "image", event) &&
         about(filters, "network", event) && about(filters, "volume", event) && about(filters, "daemon", event);
}

}  // namespace

void events(Call& call) {
  Filters filters(call.query, {"config", "container", "daemon", "event", "image", "label", "network", "node", "plugin",
                               "scope", "secret", "service", "type", "volume"});
  auto since = call.query.time("since"), until = call.query.time("until");
  if (since && until && *since > *until) fail_invalid("`since` time cannot be after `until` time");
  call.response.begin(200, kJson);
  auto each = [&](const Event& event) {
    if (shown(filters, event)) call.response.write(dump_json(event_shape(event)) + "\n");
  };
  call.services().events.follow(since, until, each, call.request.hung_up());
}

}  // namespace hull::api
