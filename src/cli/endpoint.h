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
};

// What the command line leaves open comes from $DOCKER_HOST, $HULL_HOST, $DOCKER_TLS_VERIFY, $DOCKER_TLS and
// $DOCKER_CERT_PATH (~/.docker when it is not set).
Endpoint complete(Endpoint given);

// A connected stream socket. Invalid when nobody listens there. "ssh://[user@]host[:port][/socket]" runs
// `ssh … hull system dial-stdio` there; TLS and host names are the business of the program hull-dial. Throws
// Error{kInvalidArgument} when the host cannot be understood, Error{kUnavailable} for what cannot be reached.
UniqueFd connect_to(const Endpoint& endpoint);

// "hull-dial" beside this program, or where PATH says; "" when there is none.
std::string program_beside(const char* name);

}  // namespace hull::cli
