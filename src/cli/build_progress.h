// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/value.h"

namespace hull::cli {

// Shows what a build reports (docs/build.md, "What the engine reports") on standard error.
class BuildProgress {
 public:
  virtual ~BuildProgress() = default;
  virtual void report(const Value& report, std::string_view text) = 0;  // `text`: the report as it came
  virtual void tick() {}                                                // nothing has come for a moment
  virtual void finish(bool failed) = 0;                                 // the last picture; what the failing step said
};
// `mode`: auto, plain, tty, quiet, rawjson. Throws Error{kInvalidArgument} for anything else.
std::unique_ptr<BuildProgress> make_build_progress(const std::string& mode, bool quiet);

}  // namespace hull::cli
