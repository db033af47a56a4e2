// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "container/container.h"
#include "shim/client.h"

namespace hull::container {

// In the directory of a checkpoint, beside criu's images: what they need (runtime::Surroundings), as JSON.
inline constexpr const char* kSurroundingsFile = "/hull.json";

// Says in `request` that the container comes back from the checkpoint at `path`, and with what in the place of its
// former surroundings. Throws Error{kInvalidArgument} for a checkpoint that does not fit the container,
// Error{kInternal} when criu is not installed.
void plan_restore(shim::StartRequest& request, const State& state, const std::string& path);

}  // namespace hull::container
