// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/client.h"

// --use-api-socket: a container that talks to the engine as its user does, with that user's logins.
namespace hull::cli {

// Adds the engine's socket (at /var/run/docker.sock inside) and where the logins are to the request for a container.
// Error{kInvalidArgument} for an engine that is not reached by a socket of this machine.
void add_api_socket(Value& request, const std::string& host);
// Puts the logins there, once the container is made.
void put_logins(Client& client, const std::string& id);

}  // namespace hull::cli
