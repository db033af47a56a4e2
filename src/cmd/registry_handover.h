// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/unique_fd.h"
#include "http/server.h"

// One hull-registry takes the listening sockets over from another, so that a new program or new options cost nobody a
// connection: no moment is without a listener, and what is under way ends where it began.
namespace hull::registry_verbs {

// The sockets of the process that started us as its successor, in the order of its addresses. None: it did not.
// Throws Error{kInvalidArgument} when what it passed are no listening sockets.
std::vector<UniqueFd> inherited_listeners();
// Tells that process that we serve.
void report_ready();

// Starts this program anew with the same command line and these sockets, and waits until it serves. Throws Error when
// it does not: then nothing has changed.
void start_successor(const std::vector<http::Listener>& listeners);

}  // namespace hull::registry_verbs
