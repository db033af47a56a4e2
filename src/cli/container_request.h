// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/flags.h"
#include "cli/value.h"

namespace hull::cli {

// The body of POST /containers/create that the flags and arguments of `run` and `create` ask for. Every field of
// HostConfig is there, as Docker's own client sends it. Throws Error{kInvalidArgument} for what contradicts itself.
Value container_request(const Options& options, bool detached);

// The parts of it that attach says, also needed by whoever streams.
struct Attached {
  bool input = false, output = false, errors = false;
};
Attached attached_streams(const Options& options, bool detached);

// The body of POST /containers/{id}/update. Throws Error{kInvalidArgument}.
Value update_request(const Options& options);

}  // namespace hull::cli
