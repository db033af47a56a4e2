// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace hull::cli {

// Where the engine is, and how it is reached.
struct Endpoint {
  std::string host;  // "unix://…", "tcp://…", "ssh://…", a plain path; "": hull's own socket
  bool tls = false, verify = false;
  std::string authority, certificate, key;  // PEM files; "": none
  std::string context = {};                 // --context
};

// What the command line leaves open comes from the context that is in use or, where that is the default one, from
// $DOCKER_HOST, $HULL_HOST, $DOCKER_TLS_VERIFY, $DOCKER_TLS and $DOCKER_CERT_PATH (~/.docker when it is not set).
// Throws Error{kInvalidArgument} for a context that is not there.
Endpoint complete(Endpoint given);

// hull's own socket, where nothing says otherwise.
std::string default_host();

// A connected stream socket. Invalid when nobody listens there. "ssh://[user@]host[:port][/socket]" runs
// `ssh … hull system dial-stdio` there; TLS and host names are the business of the program hull-dial. Throws
// Error{kInvalidArgument} when the host cannot be understood, Error{kUnavailable} for what cannot be reached.
UniqueFd connect_to(const Endpoint& endpoint);

// "hull-dial" beside this program, or where PATH says; "" when there is none.
std::string program_beside(const char* name);

}  // namespace hull::cli
