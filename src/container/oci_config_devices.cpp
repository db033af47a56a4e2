// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"
#include "container/oci_config_parts.h"
#include "linux/device_node.h"

namespace hull::container {

namespace {

constexpr std::string_view kDeviceDirectory = "/dev";
// What a container has its own of, or what is no business of a container.
constexpr std::array<std::string_view, 8> kOwnNames = {"pts",  "shm",         "fd",    "mqueue",
                                                       ".lxc", ".lxd-mounts", ".udev", "console"};
constexpr int kDeepest = 16;  // of a walk through /dev

oci::Device device_at(const linux::DeviceNode& node, const std::string& path) {
  oci::Device device;
  device.type = std::string(1, node.type);
  device.path = path;
  device.major = node.major;
  device.minor = node.minor;
  device.file_mode = node.mode;
  device.uid = node.uid;
  device.gid = node.gid;
  return device;
}

oci::DeviceRule rule_for(const linux::DeviceNode& node, const std::string& access) {
  return {true, std::string(1, node.type), node.major, node.minor, access};
}

// Calls `visit(node, path relative to `directory`)` for every device below it.
template <class Visit>
void walk(const std::string& directory, const std::string& below, int depth, bool skip_own_names, const Visit& visit) {
  if (depth > kDeepest) return;
  for (const std::string& name : list_directory(cat(directory, below))) {
    if (skip_own_names && std::ranges::find(kOwnNames, name) != kOwnNames.end()) continue;
    std::string relative = cat(below, "/", name);
    if (auto node = linux::device_node_if_exists(directory + relative))
      visit(*node, relative);
    else if (linux::is_real_directory(directory + relative))
      walk(directory, relative, depth + 1, skip_own_names, visit);
  }
}

void add_all(Devices& devices) {
  walk(std::string(kDeviceDirectory), "", 0, true, [&](const linux::DeviceNode& node, const std::string& path) {
    devices.nodes.push_back(device_at(node, cat(kDeviceDirectory, path)));
  });
  devices.rules.push_back({true, "a", std::nullopt, std::nullopt, "rwm"});
}

void add_mapping(Devices& devices, const DeviceMapping& mapping, bool with_rules, bool bound) {
  const std::string& source = mapping.path_on_host;
  auto add = [&](const linux::DeviceNode& node, const std::string& on_host, const std::string& path) {
    if (bound)
      devices.mounts.push_back({path, "bind", on_host, {"bind", "rprivate"}, {}, {}});
    else
      devices.nodes.push_back(device_at(node, path));
    if (with_rules) devices.rules.push_back(rule_for(node, mapping.cgroup_permissions));
  };
  std::optional<linux::DeviceNode> node;
  try {
    node = linux::device_node(source);
  } catch (const Error& e) {
    throw Error(Kind::kInvalidArgument,
                cat("error gathering device information while adding custom device ", quoted(source), ": ",
                    e.code() == ENOENT ? "no such file or directory" : e.message()),
                e.code(), e.operation());
  }
  if (node) {
    add(*node, source, mapping.path_in_container);
    return;
  }
  bool any = false;
  if (linux::is_directory(source))
    walk(source, "", 0, true, [&](const linux::DeviceNode& found, const std::string& path) {
      add(found, source + path, mapping.path_in_container + path);
      any = true;
    });
  if (!any)
    fail_invalid("error gathering device information while adding custom device ", quoted(source),
                 ": not a device node");
}

oci::DeviceRule parse_rule(const std::string& text) {
  auto parts = split(text, ' ');
  auto [major, minor] = split_once(parts.at(1), ':');
  oci::DeviceRule rule{true, std::string(parts[0]), parse_number<std::int64_t>(major),
                       parse_number<std::int64_t>(minor.value_or("")), std::string(parts.at(2))};
  return rule;
}

}  // namespace

Devices container_devices(const HostConfig& host, bool bound) {
  Devices devices;
  devices.rules.push_back({false, "a", std::nullopt, std::nullopt, "rwm"});
  // What every container may use, the runtime adds.
  if (host.privileged) add_all(devices);
  for (const DeviceMapping& mapping : host.devices.value_or(std::vector<DeviceMapping>{}))
    add_mapping(devices, mapping, !host.privileged, bound);
  for (const std::string& rule : host.device_cgroup_rules.value_or(Strings{}))
    devices.rules.push_back(parse_rule(rule));
  return devices;
}

}  // namespace hull::container
