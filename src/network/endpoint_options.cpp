// SPDX-License-Identifier: Apache-2.0
#include "network/endpoint_options.h"

#include <net/if.h>

#include <algorithm>

#include "base/text.h"
#include "linux/network_namespace.h"
#include "network/attach_parts.h"

namespace hull::network {

namespace {

// The docker command line makes small letters of it.
constexpr std::string_view kPlaceholder = "IFNAME";
bool is_placeholder(std::string_view part) { return equals_ignoring_case(part, kPlaceholder); }

std::string option_of(const StringMap& options, std::string_view name) {
  auto found = options.find(std::string(name));
  return found == options.end() ? "" : found->second;
}

// net.X.Y.IFNAME.Z: nothing but a setting of the interface.
bool is_interface_sysctl(std::string_view name) {
  auto parts = split(name, '.');
  if (parts.size() != 5 || parts[0] != "net" || !is_placeholder(parts[3])) return false;
  for (auto part : parts)
    if (part.empty() || part.find('/') != part.npos || part == "..") return false;
  return true;
}

}  // namespace

std::vector<std::string> endpoint_option_problems(const StringMap& options) {
  std::vector<std::string> problems;
  if (auto name = options.find(std::string(kInterfaceName)); name != options.end())
    if (name->second.empty() || name->second.size() >= IFNAMSIZ || name->second.find('/') != name->second.npos ||
        name->second == "lo")
      problems.push_back(cat("invalid interface name ", quoted(name->second), ": 1 to 15 characters, without /"));
  const std::string sysctls = option_of(options, kEndpointSysctls);
  for (auto setting : split(sysctls, ',')) {
    if (setting.empty()) continue;
    auto [name, value] = split_once(setting, '=');
    if (!value || !is_interface_sysctl(name))
      problems.push_back(cat("invalid endpoint sysctl setting ", quoted(setting),
                             ": use net.X.Y.IFNAME.Z=value, with IFNAME as it is"));
  }
  return problems;
}

std::vector<std::pair<std::string, std::string>> interface_sysctls(const StringMap& options,
                                                                   const std::string& interface) {
  std::vector<std::pair<std::string, std::string>> settings;
  const std::string sysctls = option_of(options, kEndpointSysctls);
  for (auto setting : split(sysctls, ',')) {
    auto [name, value] = split_once(setting, '=');
    if (!value) continue;
    auto parts = split(name, '.');
    std::vector<std::string> path(parts.begin(), parts.end());
    for (auto& part : path)
      if (is_placeholder(part)) part = interface;
    settings.emplace_back(join(path, "/"), *value);
  }
  return settings;
}

bool disables_ipv6(const StringMap& options) {
  return std::ranges::any_of(interface_sysctls(options, "eth0"), [](const auto& setting) {
    return setting.first == "net/ipv6/conf/eth0/disable_ipv6" && setting.second != "0";
  });
}

void apply_sysctls(int network_namespace, const Endpoint& endpoint, const EndpointRequest& request) {
  auto settings = interface_sysctls(request.driver_options, endpoint.interface_name);
  if (settings.empty()) return;
  // A network that did not exist when the container was created could not check them.
  auto problems = endpoint_option_problems(request.driver_options);
  if (!problems.empty()) fail_invalid(join(problems, "\n"));
  linux::ScopedNetworkNamespace there(network_namespace);
  for (const auto& [path, value] : settings)
    if (!linux::write_sysctl(path, value))
      fail_invalid("cannot set the endpoint sysctl ", path, " to ", value, ": the kernel refuses it");
}

}  // namespace hull::network
