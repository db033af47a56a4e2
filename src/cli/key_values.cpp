// SPDX-License-Identifier: Apache-2.0
#include "cli/key_values.h"

#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/mounts.h"

namespace hull::cli {
namespace {

constexpr std::string_view kBlanks = " \t\v\f\r";

std::string read_named_file(const std::string& path) {
  try {
    return read_file(path);
  } catch (const Error& e) {
    std::string text = errno_text(e.code());
    fail_invalid("open ", path, ": ", lower(text.substr(0, 1)), text.substr(1));
  }
}

// The lines of an --env-file or --label-file: "name=value" or "name"; # begins a comment line.
void read_pairs(const std::string& path,
                const std::function<void(std::string_view name, std::optional<std::string_view> value)>& each) {
  std::string text = read_named_file(path);
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  for (std::string_view line : split(rest, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    auto begin = line.find_first_not_of(kBlanks);
    if (begin == line.npos || line[begin] == '#') continue;
    line.remove_prefix(begin);
    auto [name, value] = split_once(line, '=');
    if (name.empty()) fail_invalid("invalid environment file: no variable name on line '", line, "'");
    if (name.find_first_of(kBlanks) != name.npos)
      fail_invalid("invalid environment file: variable '", name, "' contains whitespaces");
    each(name, value);
  }
}

const char* own_variable(std::string_view name) { return std::getenv(std::string(name).c_str()); }

std::string compact_profile(const std::string& path) {
  std::string text;
  try {
    text = read_named_file(path);
  } catch (const Error& e) {
    fail_invalid("opening seccomp profile (", path, ") failed: ", e.message());
  }
  try {
    return to_json(parse_value(text));
  } catch (const Error& e) {
    fail_invalid("compacting json for seccomp profile (", path, ") failed: ", e.message());
  }
}

}  // namespace

void check_environment_variable(std::string_view text) {
  if (text.empty() || text.starts_with('=')) fail_invalid("invalid environment variable: ", text);
}

void check_label(std::string_view text) {
  if (text.empty() || text.starts_with('=')) fail_invalid("invalid label '", text, "': empty name");
}

std::vector<std::string> environment_of(const std::vector<std::string>& files,
                                        const std::vector<std::string>& variables) {
  std::vector<std::string> out;
  for (const std::string& file : files)
    read_pairs(file, [&](std::string_view name, std::optional<std::string_view> value) {
      if (value)
        out.push_back(cat(name, "=", *value));
      else if (const char* own = own_variable(name))
        out.push_back(cat(name, "=", std::string_view(own)));
    });
  for (const std::string& variable : variables) {
    const char* own = variable.find('=') == std::string::npos ? own_variable(variable) : nullptr;
    out.push_back(own ? cat(variable, "=", std::string_view(own)) : variable);
  }
  return out;
}

Value map_of(const std::vector<std::string>& pairs) {
  Value out = Value::empty_map();
  for (const std::string& pair : pairs) {
    auto [name, value] = split_once(pair, '=');
    out.set(name, value.value_or(""));
  }
  return out;
}

Value labels_of(const std::vector<std::string>& files, const std::vector<std::string>& labels) {
  Value out = Value::empty_map();
  for (const std::string& file : files)
    read_pairs(
        file, [&](std::string_view name, std::optional<std::string_view> value) { out.set(name, value.value_or("")); });
  const Value given = map_of(labels);
  for (const auto& [name, value] : given.map()) out.set(name, value);
  return out;
}

std::vector<std::string> security_options(const std::vector<std::string>& options, bool& system_paths_unconfined) {
  std::vector<std::string> out;
  for (const std::string& option : options) {
    auto [name, value] = split_once(option, '=');
    if (!value && option != "no-new-privileges") {
      std::tie(name, value) = split_once(option, ':');
      if (!value) fail_invalid("invalid --security-opt: ", quoted(option));
    }
    if (option == "systempaths=unconfined") {
      system_paths_unconfined = true;
    } else if (name == "seccomp" && *value != "unconfined" && *value != "builtin") {
      out.push_back(cat("seccomp=", compact_profile(std::string(*value))));
    } else {
      out.push_back(option);
    }
  }
  return out;
}

bool NetworkChoice::is_user_defined() const {
  return target != "default" && target != "bridge" && target != "host" && target != "none" &&
         !target.starts_with("container:");
}

NetworkChoice parse_network(std::string_view text) {
  NetworkChoice choice;
  if (text.find('=') == text.npos) {
    choice.target = text;
    return choice;
  }
  for (const std::string& field : parse_csv(text)) {
    auto [name, value] = split_once(field, '=');
    std::string key = lower(trim(name));
    if (!value) fail_invalid("invalid field ", field, " must be a key=value pair");
    std::string content(trim(*value));
    if (key == "name")
      choice.target = content;
    else if (key == "alias")
      choice.aliases.push_back(content);
    else if (key == "ip")
      choice.ipv4 = content;
    else if (key == "ip6")
      choice.ipv6 = content;
    else if (key == "mac-address")
      choice.mac = content;
    else if (key == "link-local-ip")
      choice.link_local.push_back(content);
    else if (key == "driver-opt") {
      auto [option, setting] = split_once(content, '=');
      if (!setting) fail_invalid("invalid key value pair format in driver options");
      choice.driver_options.set(lower(trim(option)), lower(trim(*setting)));
    } else if (key == "gw-priority") {
      auto number = parse_number<std::int64_t>(content);
      if (!number) fail_invalid("invalid gw-priority: strconv.Atoi: parsing ", quoted(content), ": invalid syntax");
      choice.gateway_priority = *number;
    } else {
      fail_invalid("invalid field key ", key);
    }
  }
  if (choice.target.empty()) fail_invalid("network name/id is not specified");
  return choice;
}

Value endpoint_json(const NetworkChoice& choice) {
  Value ipam;
  if (!choice.ipv4.empty()) ipam.set("IPv4Address", choice.ipv4);
  if (!choice.ipv6.empty()) ipam.set("IPv6Address", choice.ipv6);
  if (!choice.link_local.empty()) ipam.set("LinkLocalIPs", Value::texts(choice.link_local));
  return Value::Map{{"IPAMConfig", ipam},
                    {"Links", Value::texts(choice.links, true)},
                    {"Aliases", Value::texts(choice.aliases, true)},
                    {"MacAddress", choice.mac},
                    {"DriverOpts", choice.driver_options},
                    {"GwPriority", choice.gateway_priority}};
}

}  // namespace hull::cli
