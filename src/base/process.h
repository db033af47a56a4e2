// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>
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

// More of how a program is run.
struct ProgramOptions {
  std::string_view input;
  std::string directory;               // to start in; "" : ours
  std::vector<std::string> variables;  // "NAME=value", which count more than those of our environment
  std::stop_token stop;                // ends it and all that it has started; then Error{kCancelled} is thrown
};
ProcessOutput run_program(const std::vector<std::string>& arguments, const ProgramOptions& options);

}  // namespace hull
