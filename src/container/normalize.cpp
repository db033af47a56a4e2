// SPDX-License-Identifier: Apache-2.0
#include "container/normalize.h"

#include "container/normalize_steps.h"

namespace hull::container {

void normalize(Spec& spec, const image::Image& image, const std::string& id, const Configuration& configuration,
               const std::function<std::string(std::string_view name)>& container_id_of,
               std::vector<std::string>& warnings) {
  Config& config = spec.config;
  HostConfig& host = spec.host;

  // What the client sent, before anything is added to it.
  normalize_config(config);
  normalize_network(spec);
  check_network_conflicts(spec);
  check_unsupported(host, configuration);

  merge_image(config, image.config.config);
  normalize_command(spec);
  normalize_health_check(config);
  normalize_ports(spec, warnings);

  normalize_modes(host, container_id_of);
  check_user_namespace(host, configuration);
  normalize_hostname(spec, id);
  check_sysctls(host);
  normalize_restart_policy(host);
  normalize_log_config(host, configuration);
  normalize_security(host);
  normalize_paths(host);
  check_devices(host, configuration);

  // Zero and below are how clients say "no limit".
  if (host.pids_limit && *host.pids_limit <= 0) host.pids_limit.reset();
  normalize_shared_memory(host);
  validate_resources(host, warnings);
}

void validate_resources(HostConfig& host, std::vector<std::string>& warnings) {
  normalize_memory(host, warnings);
  normalize_cpu(host, warnings);
  normalize_block_io(host, warnings);
  normalize_other_limits(host, warnings);
}

}  // namespace hull::container
