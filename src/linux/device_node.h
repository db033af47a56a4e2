// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hull::linux {

// What stat(2) says about a device node of the host.
struct DeviceNode {
  char type = 'c';  // 'c' or 'b', the letters of the device cgroup and of the OCI configuration
  std::uint32_t major = 0, minor = 0;
  std::uint32_t mode = 0;  // permission bits only
  std::uint32_t uid = 0, gid = 0;
};

// Follows symbolic links. Empty when `path` is something else than a device node; throws errno when it cannot be
// looked at.
std::optional<DeviceNode> device_node(const std::string& path);
// The same without following a link at the end, and empty instead of an error: for walks through /dev, where
// nodes come and go.
std::optional<DeviceNode> device_node_if_exists(const std::string& path);

bool is_directory(const std::string& path);       // follows symbolic links; false for what is not there
bool is_real_directory(const std::string& path);  // the same for what is no symbolic link itself

}  // namespace hull::linux
