// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "oci/runtime_config.h"

namespace hull::runtime {

// The limits of a container with what every container may do with devices, whatever its rules say: make any node, and
// use the default devices and terminals. Without rules nothing is limited, and nothing added.
oci::Resources with_default_devices(oci::Resources resources);

}  // namespace hull::runtime
