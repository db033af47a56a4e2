// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/outline.h"
#include "dockerfile/report_json.h"

namespace hull::dockerfile {

namespace {

void put(Json& to, std::string_view name, const std::string& value) {
  if (!value.empty()) to[std::string(name)] = value;
}

Json mounts(const std::vector<Outline::Mount>& list) {
  Json out = Json::array();
  for (const Outline::Mount& mount : list) {
    Json one = {{"name", mount.name}};
    if (mount.required) one["required"] = true;
    one["location"] = location(mount.lines);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

std::string json_of_targets(const std::vector<Target>& targets, std::string_view text) {
  Json out = {{"targets", Json::array()}, {"sources", {base64(text)}}};
  for (const Target& target : targets) {
    Json one = Json::object();
    put(one, "name", target.name);
    if (target.is_default) one["default"] = true;
    put(one, "description", target.description);
    put(one, "base", target.base);
    put(one, "platform", target.platform);
    one["location"] = location(target.lines);
    out["targets"].push_back(std::move(one));
  }
  return pretty(out);
}

std::string json_of_outline(const Outline& outline, std::string_view text) {
  Json out = Json::object();
  put(out, "name", outline.name);
  put(out, "description", outline.description);
  for (const auto& argument : outline.arguments) {
    Json one = {{"name", argument.name}};
    put(one, "description", argument.description);
    put(one, "value", argument.value);
    one["location"] = location(argument.lines);
    out["args"].push_back(std::move(one));
  }
  if (!outline.secrets.empty()) out["secrets"] = mounts(outline.secrets);
  if (!outline.agents.empty()) out["ssh"] = mounts(outline.agents);
  out["sources"] = {base64(text)};
  return pretty(out);
}

}  // namespace hull::dockerfile
