// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hull::network {

// What a resolv.conf(5) says.
struct Resolver {
  std::vector<std::string> servers, search, options;
};
Resolver parse_resolver(std::string_view text);
// The host's; behind systemd-resolved's stub its real servers.
Resolver host_resolver();
// The servers that the host itself asks, loopback ones included. Read again when the file has changed.
std::vector<std::string> host_name_servers();

}  // namespace hull::network
