// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>

#include "base/unique_fd.h"
#include "http/message.h"
#include "linux/reactor.h"

namespace hull::http {

// Speaks HTTP/1.1 on `socket` and calls `handler` for one request after the other, until the client closes, breaks
// the protocol, or takes the connection over. Gives the socket back when the client has sent nothing for two seconds
// where a request would begin. Blocks; never throws. `interrupt` becomes readable, and `stopping` is requested, when
// the server stops.
UniqueFd serve_connection(UniqueFd socket, const Handler& handler, linux::Reactor& reactor, int interrupt,
                          std::stop_token stopping);

// "Not Found" and the like.
std::string_view reason_phrase(int status);

}  // namespace hull::http
