// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/value.h"

// Names with values: environment variables, labels, options. All throw Error{kInvalidArgument}.
namespace hull::cli {

// The container's environment of --env-file and --env, in this order. A name alone takes its value from our own
// environment; not set there, a file's is skipped and --env's stays a name, which takes the image's variable away.
std::vector<std::string> environment_of(const std::vector<std::string>& files,
                                        const std::vector<std::string>& variables);
// {"name":"value"} of --label-file and --label.
Value labels_of(const std::vector<std::string>& files, const std::vector<std::string>& labels);
// {"name":"value"} of "name=value" texts; a name alone has the value "".
Value map_of(const std::vector<std::string>& pairs);

void check_environment_variable(std::string_view text);
void check_label(std::string_view text);

// --security-opt: reads seccomp profiles into the option; takes out "systempaths=unconfined", which sets the flag.
std::vector<std::string> security_options(const std::vector<std::string>& options, bool& system_paths_unconfined);

// One --network: a name, or "name=…,alias=…,ip=…,ip6=…,mac-address=…,link-local-ip=…,driver-opt=…,gw-priority=…".
struct NetworkChoice {
  std::string target;
  std::vector<std::string> aliases, links, link_local;
  std::string ipv4, ipv6, mac;
  Value driver_options;
  std::int64_t gateway_priority = 0;
  // Neither one of the engine's own modes nor another container's network.
  bool is_user_defined() const;
};
NetworkChoice parse_network(std::string_view text);
Value endpoint_json(const NetworkChoice& choice);

}  // namespace hull::cli
