// SPDX-License-Identifier: Apache-2.0
#include "settings/build_collection.h"

#include <algorithm>

#include "base/clock.h"
#include "base/size.h"
#include "oci/json.h"
#include "settings/options.h"

namespace hull::settings {

namespace {

constexpr std::string_view kPlace = "builder.gc";

DiskShare share_of(const Json& value, std::string_view key) {
  if (value.is_number_integer() && value.get<std::int64_t>() >= 0) return {value.get<std::int64_t>(), 0};
  std::string text = value.is_string() ? value.get<std::string>() : "";
  if (text.ends_with('%'))
    if (auto percent = parse_number<int>(trim(std::string_view(text).substr(0, text.size() - 1)));
        percent && *percent >= 0 && *percent <= 100)
      return {0, *percent};
  if (auto bytes = parse_size(text)) return {*bytes, 0};
  fail_invalid(kPlace, ".", key, ": invalid size ", dump_json(value), ": use 10GB, or 20% of the disk");
}

// ["unused-for=24h"], {"unused-for":["24h"]} or {"unused-for":{"24h":true}}.
void read_filters(const Json& value, CollectionRule& rule) {
  auto add = [&](const std::string& name, const std::string& text) {
    constexpr std::string_view kNames[] = {"unused-for", "until", "type", "id", "description", "shared", "private"};
    if (std::ranges::find(kNames, name) == std::end(kNames))
      fail_invalid(kPlace, ".policy: unknown filter ", hull::quoted(name));
    if ((name == "unused-for" || name == "until") && !parse_duration(text))
      fail_invalid(kPlace, ".policy: filter ", name, ": ", hull::quoted(text), " is no duration");
    rule.filters.emplace_back(name, text);
  };
  if (value.is_array()) {
    for (const Json& one : value) {
      std::string text = one.is_string() ? one.get<std::string>() : "";
      auto [name, rest] = split_once(text, '=');
      if (!rest) fail_invalid(kPlace, ".policy: invalid filter ", dump_json(one), ": expected name=value");
      add(std::string(name), std::string(*rest));
    }
    return;
  }
  if (!value.is_object()) fail_invalid(kPlace, ".policy: filter is neither a list nor an object");
  for (const auto& [name, values] : value.items()) {
    if (values.is_object())
      for (const auto& [text, on] : values.items()) add(name, text);
    else
      for (const Json& one : values) add(name, one.get<std::string>());
  }
}

CollectionRule read_rule(const Json& value) {
  if (!value.is_object()) fail_invalid(kPlace, ".policy: a rule is an object");
  CollectionRule rule;
  for (const auto& [key, field] : value.items()) {
    if (key == "all" && field.is_boolean())
      rule.all = field.get<bool>();
    else if (key == "keepStorage" || key == "reservedSpace")
      rule.reserved_space = share_of(field, key);
    else if (key == "maxUsedSpace")
      rule.max_used_space = share_of(field, key);
    else if (key == "minFreeSpace")
      rule.min_free_space = share_of(field, key);
    else if (key == "keepDuration" && field.is_string())
      read_filters(Json::array({cat("unused-for=", field.get<std::string>())}), rule);
    else if (key == "filter")
      read_filters(field, rule);
    else
      fail_invalid(kPlace, ".policy: unknown or wrong key ", hull::quoted(key));
  }
  return rule;
}

// BuildKit's rules: first what can be had again easily, then what nobody has used for long, then what images are not
// made of, then the rest.
std::vector<CollectionRule> default_rules(const CollectionRule& sizes) {
  std::vector<CollectionRule> rules;
  CollectionRule easy;
  easy.max_used_space = DiskShare{512 << 20, 0};
  easy.filters = {
      {"unused-for", "48h"}, {"type", "source.http"}, {"type", "source.git.checkout"}, {"type", "exec.cachemount"}};
  rules.push_back(easy);
  CollectionRule old = sizes, rest = sizes, all = sizes;
  old.filters = {{"unused-for", "1440h"}};
  all.all = true;
  rules.insert(rules.end(), {old, rest, all});
  return rules;
}

}  // namespace

std::vector<CollectionRule> build_collection(const Settings& settings) {
  const Json builder = settings.builder.empty() ? Json::object() : parse_json(settings.builder);
  if (!builder.is_object()) fail_invalid("builder: it is no JSON object");
  const Json gc = builder.value("gc", Json::object());
  if (!gc.is_object()) fail_invalid(kPlace, ": it is no JSON object");
  CollectionRule sizes;
  sizes.reserved_space = DiskShare{0, 10};
  sizes.max_used_space = DiskShare{0, 80};
  sizes.min_free_space = DiskShare{0, 20};
  std::vector<CollectionRule> rules;
  bool enabled = true;
  for (const auto& [key, value] : gc.items()) {
    if (key == "enabled" && value.is_boolean())
      enabled = value.get<bool>();
    else if (key == "defaultKeepStorage" || key == "defaultReservedSpace")
      sizes.reserved_space = share_of(value, key);
    else if (key == "defaultMaxUsedSpace")
      sizes.max_used_space = share_of(value, key);
    else if (key == "defaultMinFreeSpace")
      sizes.min_free_space = share_of(value, key);
    else if (key == "policy" && value.is_array())
      for (const Json& rule : value) rules.push_back(read_rule(rule));
    else
      fail_invalid(kPlace, ": unknown or wrong key ", hull::quoted(key));
  }
  if (!enabled) return {};
  return rules.empty() ? default_rules(sizes) : rules;
}

}  // namespace hull::settings
