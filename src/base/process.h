// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hull {

struct ProcessOutput {
  int exit_code = 0;  // 128 + signal for a killed one
  std::string output, errors;
};

// Runs a host program found in PATH to its end, with `input` for it to read, and collects what it writes. posix_spawn:
// its cost does not grow with the caller's memory. Throws Error{kInternal} when it cannot be executed.
ProcessOutput run_program(const std::vector<std::string>& arguments, std::string_view input = {});

}  // namespace hull
