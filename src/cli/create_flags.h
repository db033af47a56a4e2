// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "cli/flags.h"

namespace hull::cli {

// What `create` and `run` share, and what only `run` has.
std::span<const Flag> create_flags();

}  // namespace hull::cli
