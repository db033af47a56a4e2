// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/call.h"
#include "shim/client.h"

namespace hull::api {

// Answers with the head of a stream, and gives the connection away.
shim::Stream hijacked_stream(Call& call, bool tty);

}  // namespace hull::api
