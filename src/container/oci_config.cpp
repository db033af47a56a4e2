// SPDX-License-Identifier: Apache-2.0
#include "container/oci_config.h"
#include "container/id_map.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/file.h"
#include "container/device_requests.h"
#include "container/oci_config_parts.h"
#include "container/user_ranges.h"

namespace hull::container {

namespace {

constexpr std::string_view kContainer = "container:";
// Annotations "org.hull.time.monotonic" and "org.hull.time.boottime" shift these clocks inside the container.
constexpr std::string_view kTimeAnnotation = "org.hull.time.";

bool is_shared(const std::string& mode) { return mode.starts_with(kContainer); }

std::vector<oci::Namespace> namespaces(const ConfigInputs& inputs) {
  const HostConfig& host = inputs.state.spec->host;
  std::vector<oci::Namespace> list = {{"mount", ""}};
  if (host.uts_mode != "host") list.push_back({"uts", ""});
  if (inputs.own_network_namespace) list.push_back({"network", ""});
  if (inputs.users.size > 0) list.push_back({"user", ""});
  auto add = [&](const std::string& type, const std::string& mode, pid_t target) {
    if (mode == "host") return;
    list.push_back({type, is_shared(mode) ? cat("/proc/", target, "/ns/", type) : std::string()});
  };
  add("ipc", host.ipc_mode, inputs.ipc_target);
  add("pid", host.pid_mode, inputs.pid_target);
  if (host.cgroupns_mode == "private") list.push_back({"cgroup", ""});
  return list;
}

void add_time_namespace(const HostConfig& host, oci::Linux& linux_part) {
  for (const auto& [key, text] : host.annotations) {
    if (!key.starts_with(kTimeAnnotation)) continue;
    std::string clock = key.substr(kTimeAnnotation.size());
    bool negative = text.starts_with('-');
    auto offset = parse_duration(std::string_view(text).substr(negative ? 1 : 0));
    if ((clock != "monotonic" && clock != "boottime") || !offset)
      fail_invalid("invalid annotation ", key, "=", text,
                   ": expected org.hull.time.monotonic or .boottime with a duration");
    std::int64_t nanoseconds = negative ? -offset->count() : offset->count();
    std::int64_t seconds = nanoseconds / 1'000'000'000, rest = nanoseconds % 1'000'000'000;
    if (rest < 0) {
      rest += 1'000'000'000;
      --seconds;
    }
    linux_part.time_offsets[clock] = {seconds, static_cast<std::uint32_t>(rest)};
  }
  if (!linux_part.time_offsets.empty()) linux_part.namespaces.push_back({"time", ""});
}

// Namespaced settings that Docker changes for everybody, then the user's own.
StringMap sysctls(const ConfigInputs& inputs) {
  const HostConfig& host = inputs.state.spec->host;
  StringMap settings;
  if (inputs.own_network_namespace && !is_shared(host.network_mode)) {
    settings["net.ipv4.ip_unprivileged_port_start"] = "0";
    settings["net.ipv4.ping_group_range"] = cat("0 ", inputs.users.size > 0 ? inputs.users.size - 1 : 2147483647U);
  }
  for (const auto& [name, value] : host.sysctls) settings[name] = value;
  return settings;
}

// A container in another one's network has that one's name: it is in the file that both see.
std::string hostname(const ConfigInputs& inputs) {
  const Spec& spec = *inputs.state.spec;
  if (spec.host.uts_mode == "host") return {};
  if (is_shared(spec.host.network_mode))
    if (auto shared = read_if_exists(inputs.state.hostname_path); shared && !trim(*shared).empty())
      return std::string(trim(*shared));
  return spec.config.hostname;
}

}  // namespace

oci::RuntimeConfig build_config(const ConfigInputs& inputs) {
  const Spec& spec = *inputs.state.spec;
  const HostConfig& host = spec.host;
  const SecurityOptions security = parse_security_options(host);

  oci::RuntimeConfig config;
  config.root = oci::Root{"rootfs", host.readonly_rootfs};
  config.hostname = hostname(inputs);
  if (host.uts_mode != "host") config.domainname = spec.config.domainname;
  config.annotations = host.annotations;
  config.process = container_process(inputs, security);
  config.mounts = container_mounts(inputs, security);
  apply_id_maps(inputs, config);

  oci::Linux& linux_part = config.linux;
  linux_part.namespaces = namespaces(inputs);
  add_time_namespace(host, linux_part);
  linux_part.cgroups_path = inputs.state.cgroup_path;
  linux_part.rootfs_propagation = root_propagation(config.mounts);
  linux_part.sysctl = sysctls(inputs);
  if (!host.privileged) {
    linux_part.masked_paths = host.masked_paths.value_or(Strings{});
    linux_part.readonly_paths = host.readonly_paths.value_or(Strings{});
  }
  if (inputs.users.size > 0) {
    linux_part.uid_mappings = uid_mappings(inputs.users);
    linux_part.gid_mappings = gid_mappings(inputs.users);
  }
  Devices devices = container_devices(host, inputs.users.size > 0);
  linux_part.devices = std::move(devices.nodes);
  std::ranges::move(devices.mounts, std::back_inserter(config.mounts));
  linux_part.resources = resources_of(spec);
  linux_part.resources->devices = std::move(devices.rules);
  add_requested_devices(host, inputs.configuration.cdi_directories, config);
  return config;
}

}  // namespace hull::container
