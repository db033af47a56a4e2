// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "container/engine_impl.h"
#include "shim/client.h"

// Containers with --runtime: another OCI runtime program starts them (runtime/foreign.h), and reads JSON.
namespace hull::container {

// Writes `request.config` into the bundle `directory`, and says in `request` which program reads it. Nothing happens
// for hull's own runtime. Throws as find_runtime(), when the configuration has changed since the container was created,
// and Error{kInvalidArgument} for what another program cannot be given.
void prepare_foreign(shim::StartRequest& request, const State& state, const Defaults& defaults,
                     const std::string& directory);

// The file with `request`'s process in the bundle, when the container's runtime is another program.
void prepare_foreign_exec(shim::ExecRequest& request, const State& state, const std::string& directory);

// What the shim does at the end, if it did not come to that: has the program forget the container of the run directory
// `directory`, with all that it has made for it. Nothing happens for hull's own runtime. Throws Error{kInternal} with
// what the program says.
void delete_lost_foreign(const std::string& directory);

}  // namespace hull::container
