// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/value.h"
#include "oci_targets.h"

namespace {

// The command line has a reader of its own for JSON: what the library takes it takes too, and what it writes it reads.
void check(std::string_view text) {
  bool valid = nlohmann::json::accept(text);
  try {
    std::string written = hull::cli::to_json(hull::cli::parse_value(text));
    hull::fuzz::require(hull::cli::to_json(hull::cli::parse_value(written)) == written,
                        "what is written is read again");
  } catch (const hull::Error& error) {
    bool deep = std::count(text.begin(), text.end(), '[') + std::count(text.begin(), text.end(), '{') > 900;
    hull::fuzz::require(!valid || deep, error.message());
  }
}

}  // namespace

HULL_FUZZ_TARGET(check, hull::oci::kManifestSeeds)
