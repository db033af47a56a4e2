// SPDX-License-Identifier: Apache-2.0
#include "api/filters.h"
#include "api/handlers.h"
#include "api/json_stream.h"
#include "oci/json.h"

namespace hull::api {

namespace {

using container::Event;

Json event_shape(const Event& event, const Call& call) {
  Json out;
  // The three that came before Type and Action: old clients crash without them.
  bool legacy = event.type == "container" || event.type == "image";
  if (legacy && !call.since(52)) {
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

// "container=web": the id or the name of what the event is about begins so, whatever kind it has (Docker's rule).
bool about(const Filters& filters, std::string_view type, const Event& event) {
  if (!filters.has(type) || filters.prefix(type, event.actor_id)) return true;
  auto name = event.attributes.find("name");
  return name != event.attributes.end() && filters.prefix(type, name->second);
}

// Images, and containers made from them; the tag may be left out.
bool about_image(const Filters& filters, const Event& event) {
  if (filters.exact("image", event.actor_id)) return true;
  auto named = event.attributes.find(event.type == "image" ? "name" : "image");
  if (named == event.attributes.end()) return false;
  const std::string& name = named->second;
  auto tag = name.find(':', name.rfind('/') == name.npos ? 0 : name.rfind('/'));
  return filters.exact("image", name) || filters.exact("image", name.substr(0, tag));
}

bool shown(const Filters& filters, const Event& event) {
  // "exec_create" and "health_status" stand for all that begin so ("exec_create: sh").
  bool action = filters.exact("event", event.action) || filters.exact("event", split_once(event.action, ':').first);
  return action && filters.exact("type", event.type) && filters.exact("scope", "local") &&
         filters.labels(event.attributes) && about(filters, "container", event) && about_image(filters, event) &&
         about(filters, "network", event) && about(filters, "volume", event) && about(filters, "daemon", event);
}

}  // namespace

void events(Call& call) {
  Filters filters(call.query, {"config", "container", "daemon", "event", "image", "label", "network", "node", "plugin",
                               "scope", "secret", "service", "type", "volume"});
  auto since = call.query.time("since"), until = call.query.time("until");
  if (since && until && *since > *until) fail_invalid("`since` time cannot be after `until` time");
  std::string_view type = accepted_json_stream(call.request.header("Accept"));
  if (type.empty()) type = call.since(52) ? kJsonLines : kJson;
  call.response.begin(200, type);
  auto each = [&](const Event& event) {
    if (shown(filters, event)) call.response.write(json_record(type, event_shape(event, call)));
  };
  call.services().events.follow(since, until, each, call.request.hung_up());
}

}  // namespace hull::api
