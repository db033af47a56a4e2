// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "oci/runtime_config.h"

namespace hull::runtime {

// What is wrong with a configuration on any machine, before anything is touched. Throws Error{kInvalidArgument} that
// begins with the path of the field ("linux.namespaces[2].type").
void validate(const oci::RuntimeConfig& config);
void validate(const oci::Process& process);

}  // namespace hull::runtime
