// SPDX-License-Identifier: Apache-2.0
#include "container/security_options.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "container/machine_facts.h"

namespace hull::container {

namespace {

// Go's strconv.ParseBool, which clients were written against.
std::optional<bool> parse_boolean(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "true", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "false", "FALSE", "False"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
  return std::nullopt;
}

bool boolean_option(std::string_view option, std::string_view value) {
  auto parsed = parse_boolean(value);
  if (!parsed) fail_invalid("invalid --security-opt 2: ", quoted(option));
  return *parsed;
}

}  // namespace

SecurityOptions parse_security_options(const HostConfig& host) {
  SecurityOptions options;
  for (const std::string& option : host.security_opt.value_or(Strings{})) {
    if (option == "no-new-privileges" || option == "writable-cgroups") {
      (option[0] == 'n' ? options.no_new_privileges : options.writable_cgroups) = true;
      continue;
    }
    if (option == "disable") {
      options.labels.push_back(option);
      continue;
    }
    // "key:value" is what clients wrote before 1.11; a profile in JSON has colons of its own.
    auto separator = option.find('=');
    if (separator == std::string::npos) separator = option.find(':');
    if (separator == std::string::npos) fail_invalid("invalid --security-opt 1: ", quoted(option));
    std::string_view key = std::string_view(option).substr(0, separator);
    std::string value = option.substr(separator + 1);
    if (key == "label")
      options.labels.push_back(std::move(value));
    else if (key == "apparmor")
      options.apparmor = std::move(value);
    else if (key == "seccomp")
      options.seccomp = std::move(value);
    else if (key == "no-new-privileges")
      options.no_new_privileges = boolean_option(option, value);
    else if (key == "writable-cgroups")
      options.writable_cgroups = boolean_option(option, value);
    else
      fail_invalid("invalid --security-opt 2: ", quoted(option));
  }
  return options;
}

std::string apparmor_profile(const HostConfig& host) {
  const MachineFacts& facts = machine_facts();
  if (!facts.apparmor) return {};
  std::string wanted = parse_security_options(host).apparmor;
  if (!wanted.empty()) return wanted;
  if (host.privileged) return "unconfined";
  return facts.apparmor_default_profile ? "docker-default" : "";
}

}  // namespace hull::container
