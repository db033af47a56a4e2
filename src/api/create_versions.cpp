// SPDX-License-Identifier: Apache-2.0
#include "api/create_versions.h"

#include <algorithm>

#include "base/error.h"

namespace hull::api {

namespace {

using container::MountSpec;
using container::Spec;
using Warnings = std::vector<std::string>;

// The network that the settings of the container as a whole are for.
std::string main_network(const Spec& spec) {
  const std::string& mode = spec.host.network_mode;
  if (!mode.empty() && mode != "default") return mode;
  return spec.endpoints.contains("bridge") ? "bridge" : "default";
}

bool has_addresses(std::string_view mode) {
  return mode != "host" && mode != "none" && !mode.starts_with("container:");
}

// Before 1.42 options of another kind of mount were not looked at.
void forget_foreign_options(MountSpec& mount) {
  if (mount.type != "volume") mount.volume_options.reset();
  if (mount.type != "tmpfs") mount.tmpfs_options.reset();
  if (mount.bind_options) mount.bind_options->create_mountpoint = false;
}

// Read-only binds were read-only at their top only, before 1.44.
void keep_submounts_writable(MountSpec& mount) {
  if (mount.type != "bind") return;
  if (mount.bind_options && mount.bind_options->read_only_force_recursive)
    fail_invalid("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
  if (!mount.read_only) return;
  if (!mount.bind_options) mount.bind_options.emplace();
  mount.bind_options->read_only_non_recursive = true;
}

void adapt_mount(MountSpec& mount, const Call& call) {
  if (!call.since(40) && mount.bind_options) mount.bind_options->non_recursive = false;
  if (!call.since(42)) forget_foreign_options(mount);
  if (!call.since(44)) keep_submounts_writable(mount);
  if (!call.since(45) && mount.volume_options && !mount.volume_options->subpath.empty())
    fail_invalid("VolumeOptions.Subpath needs API v1.45 or newer");
  if (!call.since(48) && mount.type == "image") fail_invalid("Mount type \"Image\" needs API v1.48 or newer");
}

void refuse_several_endpoints(const Spec& spec) {
  if (spec.endpoints.size() < 2) return;
  std::vector<std::string> names;
  for (const auto& [name, settings] : spec.endpoints) names.push_back(name);
  fail_invalid("Container cannot be created with multiple network endpoints: ", join(names, ", "));
}

// Before 1.44 the address was the container's, since then it is the endpoint's.
void move_mac_address(Spec& spec, const Call& call, Warnings& warnings) {
  std::string address = std::exchange(spec.config.mac_address, {});
  if (!call.since(44))
    for (auto& [name, settings] : spec.endpoints) settings.mac_address.clear();
  if (address.empty()) return;
  std::string network = main_network(spec);
  if (!has_addresses(network)) {
    if (!call.since(44)) fail_invalid("conflicting options: mac-address and the network mode");
  } else if (!call.since(44) && !spec.endpoints.empty()) {
    spec.endpoints.begin()->second.mac_address = address;  // the only one: that of the network mode
  } else {
    if (!spec.endpoints.empty() && !spec.endpoints.contains(network) && network != "bridge" && network != "default")
      fail_invalid(
          "unable to migrate container-wide MAC address to a specific network: HostConfig.NetworkMode must match the "
          "identity of a network in NetworkSettings.Networks");
    auto& settings = spec.endpoints[network];
    if (settings.mac_address.empty()) settings.mac_address = address;
    if (settings.mac_address != address)
      fail_invalid(
          "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be "
          "left empty");
  }
  if (call.since(44))
    warnings.emplace_back(
        "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.");
}

// A port with a list of bindings that is empty is published on some port of the host.
void warn_of_empty_bindings(const container::HostConfig& host, Warnings& warnings) {
  std::vector<std::string> ports;
  for (const auto& [port, bindings] : host.port_bindings)
    if (!bindings || bindings->empty()) ports.push_back(port);
  if (!ports.empty())
    warnings.push_back(cat("Following container port(s) have an empty list of port-bindings: ", join(ports, ", "),
                           ". Such bindings will be discarded in a future version."));
}

void warn_of_volume_driver(const container::HostConfig& host, Warnings& warnings) {
  if (host.volume_driver.empty()) return;
  bool ambiguous = std::ranges::any_of(host.mounts, [](const MountSpec& mount) {
    bool has_driver = mount.volume_options && mount.volume_options->driver_config &&
                      !mount.volume_options->driver_config->name.empty();
    return mount.type == "volume" && !has_driver;
  });
  if (ambiguous)
    warnings.emplace_back(
        "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use "
        "'--mount type=volume,volume-driver=...' instead");
}

}  // namespace

Warnings adapt_to_version(Spec& spec, const Call& call) {
  Warnings warnings;
  auto& host = spec.host;
  if (!call.since(40) && host.ipc_mode.empty()) host.ipc_mode = "shareable";
  if (!call.since(41) && host.cgroupns_mode.empty()) host.cgroupns_mode = "host";
  if (!call.since(42)) host.console_size = {0, 0};
  if (!call.since(43)) host.annotations.clear();
  for (MountSpec& mount : host.mounts) adapt_mount(mount, call);
  if (!call.since(44)) {
    if (spec.config.healthcheck) spec.config.healthcheck->start_interval = 0;
    spec.read_only_binds_are_flat = true;
    refuse_several_endpoints(spec);
  }
  if (!call.since(48))
    for (auto& [name, settings] : spec.endpoints) settings.gw_priority = 0;
  if (call.since(48)) warn_of_volume_driver(host, warnings);
  move_mac_address(spec, call, warnings);
  if (call.since(52)) {
    host.kernel_memory_tcp = 0;
    warn_of_empty_bindings(host, warnings);
  }
  return warnings;
}

}  // namespace hull::api
