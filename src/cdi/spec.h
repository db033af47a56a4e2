// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"

// A file of the Container Device Interface (github.com/cncf-tags/container-device-interface, SPEC.md, up to version
// 1.1.0): a vendor's devices, and how the configuration of a container has to be changed to give it one.
namespace hull::cdi {

struct DeviceNode {
  std::string path;       // inside
  std::string host_path;  // "" : the same
  std::string type;       // b, c, u, p; "" : that of the host's node
  std::int64_t major = 0, minor = 0;
  std::optional<std::uint32_t> file_mode, uid, gid;
  std::string permissions;  // of r, w, m; "" : all; "none"
};

struct NetDevice {
  std::string host_interface, name;
};

struct Mount {
  std::string host_path, container_path, type;
  std::vector<std::string> options;
};

struct Hook {
  std::string name, path;
  std::vector<std::string> args, env;
  std::optional<std::int32_t> timeout;
};

struct IntelRdt {
  std::string class_id;
};

struct ContainerEdits {
  std::vector<std::string> env;
  std::vector<DeviceNode> device_nodes;
  std::vector<NetDevice> net_devices;
  std::vector<Mount> mounts;
  std::vector<Hook> hooks;
  std::optional<IntelRdt> intel_rdt;
  std::vector<std::uint32_t> additional_gids;
  bool empty() const;
};

struct Device {
  std::string name;
  std::map<std::string, std::string> annotations;
  ContainerEdits edits;
};

struct Spec {
  std::string version, kind;  // "nvidia.com/gpu"
  std::map<std::string, std::string> annotations;
  std::vector<Device> devices;
  ContainerEdits edits;  // for whoever gets any of the devices
};

// Reads and checks a file's text: names, what is required, and that the version has everything that is used.
// Error{kInvalidArgument}.
Spec parse_spec(std::string_view text, bool is_yaml);

// "vendor.com/class=name".
bool is_qualified_name(std::string_view name);

template <class Visitor>
void fields(Visitor& visit, DeviceNode& value) {
  visit("path", value.path);
  visit("hostPath", value.host_path);
  visit("type", value.type);
  visit("major", value.major);
  visit("minor", value.minor);
  visit("fileMode", value.file_mode);
  visit("uid", value.uid);
  visit("gid", value.gid);
  visit("permissions", value.permissions);
}
template <class Visitor>
void fields(Visitor& visit, NetDevice& value) {
  visit("hostInterfaceName", value.host_interface);
  visit("name", value.name);
}
template <class Visitor>
void fields(Visitor& visit, Mount& value) {
  visit("hostPath", value.host_path);
  visit("containerPath", value.container_path);
  visit("type", value.type);
  visit("options", value.options);
}
template <class Visitor>
void fields(Visitor& visit, Hook& value) {
  visit("hookName", value.name);
  visit("path", value.path);
  visit("args", value.args);
  visit("env", value.env);
  visit("timeout", value.timeout);
}
template <class Visitor>
void fields(Visitor& visit, IntelRdt& value) {
  visit("closID", value.class_id);
}
template <class Visitor>
void fields(Visitor& visit, ContainerEdits& value) {
  visit("env", value.env);
  visit("deviceNodes", value.device_nodes);
  visit("netDevices", value.net_devices);
  visit("mounts", value.mounts);
  visit("hooks", value.hooks);
  visit("intelRdt", value.intel_rdt);
  visit("additionalGids", value.additional_gids);
}
template <class Visitor>
void fields(Visitor& visit, Device& value) {
  visit("name", value.name);
  visit("annotations", value.annotations);
  visit("containerEdits", value.edits);
}
template <class Visitor>
void fields(Visitor& visit, Spec& value) {
  visit("cdiVersion", value.version);
  visit("kind", value.kind);
  visit("annotations", value.annotations);
  visit("devices", value.devices);
  visit("containerEdits", value.edits);
}

}  // namespace hull::cdi
