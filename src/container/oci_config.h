// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "container/container.h"
#include "container/engine.h"
#include "oci/runtime_config.h"

namespace hull::container {

// Everything that a configuration depends on beside the container's own state.
struct ConfigInputs {
  const State& state;  // with mounts (sources resolved) and paths of hosts, hostname, resolv.conf
  const Configuration& configuration;
  int rootfs = -1;                       // the mounted root filesystem: users, groups and devices are looked up in it
  pid_t ipc_target = 0, pid_target = 0;  // first processes of the containers of "container:<id>" modes
  bool own_network_namespace = true;     // false with --network host
  UserRange users{};                     // of its user namespace; size 0: the host's
  Strings link_variables{};              // below the container's own
  std::map<std::string, Strings> image_layers{};  // of image mounts, by destination: directories, topmost first
  // Sources that must be what they were when they were looked up are handed on as descriptors, which are kept here
  // until the container runs. nullptr: they are used at once, by their names.
  std::vector<UniqueFd>* sources = nullptr;
};

// The option of a mounted image that names the part of it; hull's runtime alone knows it (runtime/plan.cpp).
inline constexpr std::string_view kSubpathOption = "hull.subpath=";

// The OCI configuration of a container: Docker's default namespaces, mounts, devices, capabilities, masked
// paths, limits, environment. Errors: kInvalidArgument for a user or group that the
// image does not have ("unable to find user x: no matching entries in passwd file"), a device that the host
// does not have ("error gathering device information while adding custom device …").
oci::RuntimeConfig build_config(const ConfigInputs& inputs);

// The limits of a container as the OCI names them (part of build_config(), and all of an update).
oci::Resources resources_of(const Spec& spec);

// The process of an exec, on top of the container's own configuration. `root` is an open
// directory of the running container's root (/proc/<pid>/root), `link_variables` as in ConfigInputs.
oci::Process build_exec_process(const State& state, const ExecSpec& exec, int root, const Strings& link_variables = {});

// The compiled seccomp program for a container; "" when unconfined. Compiled once per profile and cached in
// <data-root>/seccomp by its digest. `privileged` execs run without.
std::string seccomp_program(const State& state, const Configuration& configuration);
// The same as the OCI configuration has it, for runtimes that compile it themselves; none when unconfined.
std::optional<oci::Seccomp> seccomp_profile(const State& state);

}  // namespace hull::container
