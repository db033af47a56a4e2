// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "container/oci_config.h"
#include "container/security_options.h"

// The parts of build_config(), one source file each.
namespace hull::container {

// oci_config_process.cpp
oci::Process container_process(const ConfigInputs& inputs, const SecurityOptions& security);
// PATH, HOSTNAME and TERM, then `layers` over them: a later entry replaces an earlier one of its key where that
// stands; an entry without "=" takes the key away.
Strings environment(const std::string& hostname, bool tty, std::initializer_list<const Strings*> layers);

// oci_config_mounts.cpp
std::vector<oci::Mount> container_mounts(const ConfigInputs& inputs, const SecurityOptions& security);
// Of these, what the host's directories and files go in by: volumes, binds and the engine's own files. They do not
// need a running container.
std::vector<oci::Mount> bind_mounts(const ConfigInputs& inputs);
// What the root mount must be for the propagation of the mounts in it; "" when any does.
std::string root_propagation(const std::vector<oci::Mount>& mounts);

// oci_config_devices.cpp
struct Devices {
  std::vector<oci::Device> nodes;
  std::vector<oci::DeviceRule> rules;
  std::vector<oci::Mount> mounts;
};
// `bound`: the user's devices come as bind mounts of the host's, because in a user namespace no node can be made.
Devices container_devices(const HostConfig& host, bool bound = false);

bool runs_init(const HostConfig& host);  // --init, and the process is the first of its PID namespace
inline constexpr std::string_view kInitInside = "/sbin/docker-init";

}  // namespace hull::container
