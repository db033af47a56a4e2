// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "container/spec.h"
#include "oci/runtime_config.h"

// HostConfig.DeviceRequests: --gpus, and --device with a name of the Container Device Interface. Every device comes by
// CDI; there are no drivers beside it. `directories` are those of CDI's files (Configuration::cdi_directories), read at
// each call.
namespace hull::container {

// The CDI devices that are asked for. GPUs without a vendor are those of the first vendor that has any on this machine.
// Error{kInvalidArgument} "could not select device driver …" when nobody has what is asked for; also for devices that
// no file describes.
Strings requested_devices(const HostConfig& host, const std::vector<std::string>& directories);

// Gives the container what it asks for.
void add_requested_devices(const HostConfig& host, const std::vector<std::string>& directories,
                           oci::RuntimeConfig& config);

// What there is on this machine: "vendor.com/class=name". `problems`: what is wrong with files.
struct DiscoveredDevices {
  Strings names, problems;
};
DiscoveredDevices discovered_devices(const std::vector<std::string>& directories);

}  // namespace hull::container
