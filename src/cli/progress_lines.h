// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "cli/value.h"

namespace hull::cli {

// The progress of pulls, pushes and loads: a line for each id, which is drawn over where `out` is a terminal. Elsewhere
// the states of a transfer are left out, and what happens is shown.
class ProgressLines {
 public:
  explicit ProgressLines(int out);
  // A message of Docker's progress streams: {"id", "status", "progressDetail": {"current", "total"}}, or {"stream"}.
  void show(const Value& message);

 private:
  int out_;
  bool terminal_;
  std::map<std::string, std::size_t> lines_;
};

}  // namespace hull::cli
