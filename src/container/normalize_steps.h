// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "container/normalize.h"

// The steps of normalize(), in its order. Each fills in defaults and refuses with Error{kInvalidArgument}.
namespace hull::container {

using Warnings = std::vector<std::string>;
using IdLookup = std::function<std::string(std::string_view name)>;

// normalize_config.cpp
void merge_image(Config& config, const oci::ExecutionConfig& image);
void normalize_command(Spec& spec);
void normalize_config(Config& config);
void normalize_health_check(const Config& config);
void normalize_hostname(Spec& spec, const std::string& id);
void normalize_ports(Spec& spec, Warnings& warnings);

// normalize_modes.cpp
void normalize_network(Spec& spec);
void normalize_modes(HostConfig& host, const IdLookup& id_of);
void check_network_conflicts(const Spec& spec);
void check_user_namespace(const HostConfig& host, const Configuration& configuration);
void check_sysctls(const HostConfig& host);

// normalize_host.cpp
void normalize_restart_policy(HostConfig& host);
void normalize_log_config(HostConfig& host, const Configuration& configuration);
void normalize_security(HostConfig& host);
void normalize_paths(HostConfig& host);
void check_devices(HostConfig& host, const Configuration& configuration);
void check_unsupported(HostConfig& host, const Configuration& configuration);

// normalize_limits.cpp
void normalize_memory(HostConfig& host, Warnings& warnings);
void normalize_cpu(HostConfig& host, Warnings& warnings);
void normalize_block_io(HostConfig& host, Warnings& warnings);
void normalize_shared_memory(HostConfig& host);
void normalize_other_limits(HostConfig& host, Warnings& warnings);

}  // namespace hull::container
