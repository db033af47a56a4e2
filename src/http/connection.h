// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <stop_token>
#include <string>

#include "base/unique_fd.h"
#include "http/message.h"
#include "linux/reactor.h"

namespace hull::http {

// A connected socket. `peer` is set where the socket cannot tell it, behind a TLS tunnel.
struct Client {
  UniqueFd socket;
  std::string peer;
};

// What connections of one server have in common.
struct Rules {
  RefusalBody refusal = docker_refusal;
  std::chrono::milliseconds body_patience = std::chrono::hours(1);   // `slow-generator | docker import -` is legitimate
  std::chrono::milliseconds write_patience = std::chrono::hours(1);  // somebody reads a page of a long log
};

// What the server says to its connections.
struct Signals {
  int interrupt = -1;                           // becomes readable when the server stops: all reads end
  std::stop_token stopping;                     // requested at the same time
  const std::atomic<bool>* draining = nullptr;  // true: the answer to a request is the last one of its connection
};

// Speaks HTTP/1.1 with `client` and calls `handler` for one request after the other, until the client closes, breaks
// the protocol, or takes the connection over. Gives the socket back when the client has sent nothing for two seconds
// where a request would begin. Blocks; never throws.
Client serve_connection(Client client, const Handler& handler, const Rules& rules, linux::Reactor& reactor,
                        const Signals& signals);

// "Not Found" and the like.
std::string_view reason_phrase(int status);

}  // namespace hull::http
