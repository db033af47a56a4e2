// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/command.h"

namespace hull::cli {

// Writes the body of a GET to the file of --output, which appears when it is whole, or to standard output, unless
// that is a terminal.
void save_stream(Invocation& call, const std::string& path);

}  // namespace hull::cli
