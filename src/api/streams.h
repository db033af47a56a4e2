// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "api/call.h"
#include "shim/client.h"

namespace hull::api {

// One frame of a multiplexed stream: one byte for the stream (1 stdout, 2 stderr, 3 an error of ours), three zero,
// the length in network order, the text.
std::string framed(unsigned char stream, std::string_view text);

// Answers with the head of a stream, and gives the connection away.
shim::Stream hijacked_stream(Call& call, bool tty);

}  // namespace hull::api
