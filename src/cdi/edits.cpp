// SPDX-License-Identifier: Apache-2.0
#include "cdi/edits.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "linux/device_node.h"

namespace hull::cdi {

namespace {

std::string_view key_of(std::string_view variable) { return split_once(variable, '=').first; }

void set_variable(std::vector<std::string>& env, const std::string& variable) {
  auto same = std::ranges::find(env, key_of(variable), [](const std::string& other) { return key_of(other); });
  if (same == env.end())
    env.push_back(variable);
  else
    *same = variable;
}

// What the file leaves open is as it is on the host.
DeviceNode completed(DeviceNode node) {
  if (node.host_path.empty()) node.host_path = node.path;
  if (!node.type.empty() && (node.major != 0 || node.type == "p")) return node;
  std::optional<linux::DeviceNode> on_host;
  try {
    on_host = linux::device_node(node.host_path);
  } catch (const Error& e) {
    throw Error(Kind::kInvalidArgument,
                cat("failed to stat CDI host device ", quoted(node.host_path), ": ",
                    e.code() == ENOENT ? "no such file or directory" : e.message()),
                e.code(), e.operation());
  }
  if (!on_host) fail_invalid("CDI host device ", quoted(node.host_path), ": not a device node");
  std::string type(1, on_host->type);
  if (!node.type.empty() && node.type != type && !(node.type == "u" && type == "c"))
    fail_invalid("CDI device (", quoted(node.path), ", ", quoted(node.host_path), "), host type mismatch (", node.type,
                 ", ", type, ")");
  node.type = type;
  node.major = on_host->major;
  node.minor = on_host->minor;
  return node;
}

bool has_user_namespace(const oci::RuntimeConfig& config) {
  return std::ranges::find(config.linux.namespaces, "user", &oci::Namespace::type) != config.linux.namespaces.end();
}

void add_device(const DeviceNode& given, oci::RuntimeConfig& config) {
  DeviceNode node = completed(given);
  auto& devices = config.linux.devices;
  std::erase_if(devices, [&](const oci::Device& other) { return other.path == node.path; });
  if (has_user_namespace(config) && node.type != "p") {
    config.mounts.push_back({node.path, "bind", node.host_path, {"bind", "rprivate"}, {}, {}});
  } else {
    oci::Device device{node.type, node.path, node.major, node.minor, node.file_mode, node.uid, node.gid};
    const oci::User& user = config.process->user;
    if (!device.uid && user.uid > 0) device.uid = user.uid;
    if (!device.gid && user.gid > 0) device.gid = user.gid;
    devices.push_back(std::move(device));
  }
  if (node.type != "b" && node.type != "c") return;
  if (node.permissions == "none") return;
  if (!config.linux.resources) config.linux.resources.emplace();
  config.linux.resources->devices.push_back(
      {true, node.type, node.major, node.minor, node.permissions.empty() ? "rwm" : node.permissions});
}

void add_mount(const Mount& given, oci::RuntimeConfig& config) {
  std::erase_if(config.mounts, [&](const oci::Mount& other) { return other.destination == given.container_path; });
  oci::Mount mount{given.container_path, given.type, given.host_path, given.options, {}, {}};
  if (mount.type.empty()) mount.type = "bind";
  config.mounts.push_back(std::move(mount));
}

void add_hook(const Hook& given, oci::Hooks& hooks) {
  struct Place {
    std::string_view name;
    std::vector<oci::Hook> oci::Hooks::*list;
  };
  static constexpr std::array<Place, 6> kPlaces = {{{"prestart", &oci::Hooks::prestart},
                                                    {"createRuntime", &oci::Hooks::create_runtime},
                                                    {"createContainer", &oci::Hooks::create_container},
                                                    {"startContainer", &oci::Hooks::start_container},
                                                    {"poststart", &oci::Hooks::poststart},
                                                    {"poststop", &oci::Hooks::poststop}}};
  for (const Place& place : kPlaces)
    if (place.name == given.name) (hooks.*place.list).push_back({given.path, given.args, given.env, given.timeout});
}

}  // namespace

void apply(const ContainerEdits& edits, oci::RuntimeConfig& config) {
  if (!edits.net_devices.empty())
    fail_invalid("the network device ", edits.net_devices.front().host_interface,
                 " cannot be given to a container: hull does not move interfaces for CDI");
  if (edits.intel_rdt) fail_invalid("Intel RDT (", edits.intel_rdt->class_id, ") is not supported");
  for (const auto& variable : edits.env) set_variable(config.process->env, variable);
  for (const DeviceNode& node : edits.device_nodes) add_device(node, config);
  for (const Mount& mount : edits.mounts) add_mount(mount, config);
  // What lies deeper goes on top of what lies above it.
  std::ranges::stable_sort(config.mounts, {},
                           [](const oci::Mount& mount) { return std::ranges::count(mount.destination, '/'); });
  if (!edits.hooks.empty() && !config.hooks) config.hooks.emplace();
  for (const Hook& hook : edits.hooks) add_hook(hook, *config.hooks);
  auto& groups = config.process->user.additional_gids;
  for (std::uint32_t group : edits.additional_gids)
    if (group != 0 && std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
}

}  // namespace hull::cdi
