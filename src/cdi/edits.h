// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cdi/spec.h"
#include "oci/runtime_config.h"

namespace hull::cdi {

// Makes the edits: variables, device nodes with the rules that allow their use, mounts in the place of what was mounted
// there, hooks, groups. In a user namespace nodes are bound from the host. Error{kInvalidArgument}.
void apply(const ContainerEdits& edits, oci::RuntimeConfig& config);

}  // namespace hull::cdi
