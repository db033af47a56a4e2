// SPDX-License-Identifier: Apache-2.0
#include "settings/load.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "oci/json.h"
#include "settings/checks.h"
#include "settings/options.h"

namespace hull::settings {

namespace {

// Options that may come from both sides, because a map of one can complete the other's.
constexpr std::string_view kMerged[] = {"runtimes", "features", "builder"};

bool merges(std::string_view key) {
  for (auto merged : kMerged)
    if (key == merged) return true;
  return false;
}

Json read_object(const CommandLine& line) {
  auto text = read_if_exists(line.file);
  if (!text) {
    if (line.file_given) fail_invalid("open ", line.file, ": no such file or directory");
    return Json::object();
  }
  if (trim(*text).empty()) return Json::object();
  Json json = parse_json(*text);
  if (!json.is_object()) fail_invalid("it is no JSON object");
  // "proxies" is the one group among dockerd's keys.
  if (auto proxies = json.find("proxies"); proxies != json.end()) {
    if (!proxies->is_object()) fail_invalid("proxies: expected an object");
    const Json group = *proxies;
    json.erase("proxies");
    for (const auto& [key, value] : group.items()) json[key] = value;
  }
  return json;
}

std::string shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return dump_json(value);
  Strings items;
  for (const Json& item : value) items.push_back(shown(item));
  return cat("[", join(items, " "), "]");
}

void refuse_unknown(const Json& json) {
  Strings unknown;
  for (const auto& [key, value] : json.items())
    if (!find_key(key)) unknown.push_back(key);
  if (!unknown.empty())
    fail_invalid("the following directives don't match any configuration option: ", join(unknown, ", "));
}

void refuse_conflicts(const Json& json, const CommandLine& line) {
  Strings conflicts;
  for (const auto& [key, value] : json.items())
    if (line.given.contains(key) && !merges(key) && !value.is_null())
      conflicts.push_back(cat(key, ": (from flag: ", shown(to_json(line.settings, *find_key(key))),
                              ", from file: ", shown(value), ")"));
  if (!conflicts.empty())
    fail_invalid("the following directives are specified both as a flag and in the configuration file: ",
                 join(conflicts, ", "));
}

void lay_over(const Json& json, const CommandLine& line, Settings& settings) {
  for (const auto& [key, value] : json.items()) {
    if (value.is_null()) continue;  // as if it was not there
    const Option& option = *find_key(key);
    read_json(value, option, settings);
    if (option.key == "cdi-spec-dirs" && settings.cdi_spec_dirs.empty())
      settings.cdi_spec_dirs = {""};  // [] asks for none, as "--cdi-spec-dir=" does
    if (line.given.contains(key) && option.key == "runtimes") {
      auto runtimes = line.settings.runtimes;
      runtimes.merge(settings.runtimes);
      settings.runtimes = std::move(runtimes);
    }
  }
}

}  // namespace

Settings load(const CommandLine& line) {
  Settings settings = line.settings;
  try {
    Json json = read_object(line);
    refuse_unknown(json);
    refuse_conflicts(json, line);
    lay_over(json, line, settings);
    // As with dockerd "false" asks for TLS, too: without certificates of clients.
    if (line.given.contains("tlsverify") || (json.contains("tlsverify") && !json["tlsverify"].is_null()))
      settings.tls = true;
  } catch (const Error& e) {
    fail_invalid("unable to configure hulld with file ", line.file, ": ", e.message());
  }
  check(settings);
  return settings;
}

std::vector<std::string> without_effect(const Settings& settings) {
  static const Settings kDefaults;
  std::vector<std::string> sentences;
  for (const Option& option : options())
    if (option.effect == Effect::kNone && to_json(settings, option) != to_json(kDefaults, option))
      sentences.push_back(cat("the option ", option.key, " has no effect: ", option.note));
  return sentences;
}

Reload reload(const Settings& now, const Settings& wanted) {
  Reload result{now, {}, {}};
  for (const Option& option : options()) {
    Json value = to_json(wanted, option);
    if (value == to_json(now, option)) continue;
    if (option.effect == Effect::kWorks || option.effect == Effect::kRefused) {
      result.deferred.emplace_back(option.key);
      continue;
    }
    std::visit([&](auto place) { result.settings.*place = wanted.*place; }, option.place);
    if (option.effect == Effect::kReloads) result.changed.emplace_back(option.key);
  }
  return result;
}

StringMap reloadable_values(const Settings& settings) {
  StringMap values;
  for (const Option& option : options())
    if (option.effect == Effect::kReloads) {
      Json value = to_json(settings, option);
      values[std::string(option.key)] = value.is_string() ? value.get<std::string>() : dump_json(value);
    }
  // Clients look for these, too.
  values["live-restore"] = "true";  // it always does
  values["shutdown-timeout"] = std::to_string(settings.shutdown_timeout);
  return values;
}

}  // namespace hull::settings
