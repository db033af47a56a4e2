// SPDX-License-Identifier: Apache-2.0
// hull: the command line of the engine.
#include <string_view>
#include <vector>

#include "cli/command.h"

int main(int count, char** words) {
  std::vector<std::string_view> arguments(words + (count > 0 ? 1 : 0), words + count);
  return hull::cli::run_command_line(arguments, HULL_VERSION);
}
