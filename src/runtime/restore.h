// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/criu.h"
#include "runtime/runtime.h"

namespace hull::runtime {

// A container whose processes come back from a checkpoint. `config`: its control group and limits; the rest of it is in
// the checkpoint. `handles`: root file system, network namespace and stdio. `options`: the directory `bundle` is where
// criu leaves its log. The caller gets a mount namespace of its own (runtime/input_mounts.h). On failure nothing is
// left; throws StartError with criu's reason.
std::unique_ptr<Init> restore(const Restore& restore, const oci::RuntimeConfig& config, const Handles& handles,
                              const StartOptions& options);

}  // namespace hull::runtime
