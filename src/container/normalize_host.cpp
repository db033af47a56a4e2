// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/error.h"
#include "container/capability_sets.h"
#include "container/default_seccomp.h"
#include "container/device_requests.h"
#include "container/log_drivers.h"
#include "container/machine_facts.h"
#include "container/normalize_steps.h"
#include "container/path_text.h"
#include "container/security_options.h"
#include "container/storage_size.h"

namespace hull::container {

namespace {

constexpr std::array<std::string_view, 3> kRuntimes = {"hull", "runc", "io.containerd.runc.v2"};

constexpr std::array<std::string_view, 12> kMaskedPaths = {"/proc/acpi",
                                                           "/proc/asound",
                                                           "/proc/interrupts",
                                                           "/proc/kcore",
                                                           "/proc/keys",
                                                           "/proc/latency_stats",
                                                           "/proc/sched_debug",
                                                           "/proc/scsi",
                                                           "/proc/timer_list",
                                                           "/proc/timer_stats",
                                                           "/sys/devices/virtual/powercap",
                                                           "/sys/firmware"};
constexpr std::array<std::string_view, 5> kReadonlyPaths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                            "/proc/sysrq-trigger"};

template <class List>
bool contains(const List& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

// "c 1:3 rwm", "a *:* rwm"
bool is_device_rule(std::string_view rule) {
  auto parts = split(rule, ' ');
  if (parts.size() != 3 || parts[0].size() != 1 || std::string_view("acb").find(parts[0][0]) == std::string_view::npos)
    return false;
  auto [major, minor] = split_once(parts[1], ':');
  for (std::string_view number : {major, minor.value_or("")})
    if (number != "*" && !parse_number<std::uint32_t>(number)) return false;
  return !parts[2].empty() && parts[2].size() <= 3 && parts[2].find_first_not_of("rwm") == std::string_view::npos;
}

}  // namespace

void normalize_restart_policy(HostConfig& host) {
  RestartPolicy& policy = host.restart_policy;
  constexpr std::array<std::string_view, 5> kPolicies = {"", "no", "always", "unless-stopped", "on-failure"};
  if (!contains(kPolicies, policy.name)) fail_invalid("invalid restart policy: unknown policy '", policy.name, "'");
  if (policy.maximum_retry_count != 0 && policy.name != "on-failure")
    fail_invalid("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  if (policy.maximum_retry_count < 0) fail_invalid("invalid restart policy: maximum retry count cannot be negative");
  if (policy.name.empty()) policy.name = "no";
  if (host.auto_remove && policy.name != "no") fail_invalid("can't create 'AutoRemove' container with restart policy");
}

void normalize_log_config(HostConfig& host, const Configuration& configuration) {
  apply_log_defaults(host.log_config, configuration);
  check_log_config(host.log_config);
}

void normalize_security(HostConfig& host) {
  for (auto [field, names] : {std::pair{"CapAdd", &host.cap_add}, std::pair{"CapDrop", &host.cap_drop}}) {
    try {
      full_capability_names(*names);
    } catch (const Error& e) {
      throw e.within(cat("invalid ", field));
    }
  }
  // A profile that cannot be understood is refused now, not at every start.
  const std::string profile = parse_security_options(host).seccomp;
  if (!profile.empty() && profile != "unconfined" && profile != "builtin")
    parse_seccomp_profile(profile, container_capabilities(host));
  for (const auto& [key, value] : host.annotations)
    if (key.empty()) fail_invalid("invalid Annotations: the empty string is not permitted as an annotation key");
}

void normalize_paths(HostConfig& host) {
  if (host.privileged) {
    host.masked_paths.reset();
    host.readonly_paths.reset();
    return;
  }
  if (!host.masked_paths) {
    host.masked_paths.emplace(kMaskedPaths.begin(), kMaskedPaths.end());
    const Strings& thermal = machine_facts().thermal_throttle_paths;
    host.masked_paths->insert(host.masked_paths->end(), thermal.begin(), thermal.end());
  }
  if (!host.readonly_paths) host.readonly_paths.emplace(kReadonlyPaths.begin(), kReadonlyPaths.end());
}

void check_devices(HostConfig& host, const Configuration& configuration) {
  if (host.devices) {
    for (DeviceMapping& device : *host.devices) {
      if (device.cgroup_permissions.empty()) device.cgroup_permissions = "rwm";
      if (device.path_in_container.empty()) device.path_in_container = device.path_on_host;
      if (device.cgroup_permissions.find_first_not_of("rwm") != std::string::npos)
        fail_invalid("bad mode specified: ", device.cgroup_permissions, " (device ", device.path_on_host, ")");
      if (!device.path_on_host.starts_with('/')) fail_invalid(device.path_on_host, " is not an absolute path");
      if (!device.path_in_container.starts_with('/'))
        fail_invalid(device.path_in_container, " is not an absolute path");
    }
  }
  for (const std::string& rule : host.device_cgroup_rules.value_or(Strings{}))
    if (!is_device_rule(rule)) fail_invalid("invalid device cgroup rule format: '", rule, "'");
  requested_devices(host, configuration.cdi_directories);  // refuses what is not there
}

void check_unsupported(HostConfig& host, const Configuration& configuration) {
  if (host.runtime.empty()) host.runtime = kRuntimes[0];
  if (!contains(kRuntimes, host.runtime)) fail_invalid("unknown or invalid runtime name: ", host.runtime);
  storage_size(host);
  if (!host.isolation.empty() && !equals_ignoring_case(host.isolation, "default"))
    fail_invalid("invalid isolation '", host.isolation, "' on linux");
  if (host.init.value_or(false) && configuration.init_program.empty())
    fail_invalid("--init needs the program hull-init, which is not installed");
  if (configuration.cgroup_driver == linux::CgroupDriver::kSystemd && !host.cgroup_parent.empty() &&
      (host.cgroup_parent.size() <= 6 || !host.cgroup_parent.ends_with(".slice")))
    fail_invalid("cgroup-parent for systemd cgroup should be a valid slice named as \"xxx.slice\"");
  // Nothing is above the root of the hierarchy.
  if (host.cgroup_parent.find("..") != std::string::npos) host.cgroup_parent = clean_path(cat("/", host.cgroup_parent));
}

}  // namespace hull::container
