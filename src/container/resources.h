// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "linux/device_node.h"

namespace hull::container {

// The block device that a limit is for. Error{kInvalidArgument} naming `path` when there is none.
linux::DeviceNode device_number(const std::string& path);

}  // namespace hull::container
