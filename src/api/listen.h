// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "http/server.h"

namespace hull::api {

using http::Listener;

struct ListenOptions {
  std::string group;           // of unix sockets; "": kDefaultGroups
  bool tls = false;            // TCP listeners speak TLS
  bool warn_plain_tcp = true;  // for TCP listeners without it
};

// The groups that unix sockets belong to when none is named: the first that exists.
inline constexpr const char* kDefaultGroups[] = {"hull", "docker"};

// Opens what `hulld --host` names: "unix:///run/hull/hull.sock" (mode 0660), "tcp://[host]:port" (port 2375, or 2376
// with TLS, when none is given), "fd://" (all sockets that systemd passed, sd_listen_fds(3)), "fd://name" or "fd://3"
// (one of them). Throws Error{kInvalidArgument} for anything else and for a group that does not exist,
// Error{kConflict} when somebody listens there.
std::vector<Listener> listen_at(const std::string& host, const ListenOptions& options);

// No program that the engine runs is meant by the variables of sd_listen_fds(3).
void forget_passed_sockets();

}  // namespace hull::api
