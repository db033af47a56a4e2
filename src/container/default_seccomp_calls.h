// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace hull::container {

// The system calls that every container may make, whatever its capabilities: names separated by blanks.
extern const std::string_view kAlwaysAllowedCalls;

}  // namespace hull::container
