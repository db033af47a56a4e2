// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace hull::api {

// Opens what `hulld --host` names: "unix:///run/hull/hull.sock" (mode 0660, owned by `group` if there is such a group),
// "tcp://[host]:port" (without TLS), "fd://" (the sockets that systemd passed, sd_listen_fds(3)). Throws
// Error{kInvalidArgument} for anything else, Error{kConflict} when somebody listens there.
std::vector<UniqueFd> listen_at(const std::string& host, const std::vector<std::string>& groups);

}  // namespace hull::api
