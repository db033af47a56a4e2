// SPDX-License-Identifier: Apache-2.0
#include "registry_targets.h"

namespace {
// A text may be refused, with a sentence.
void check(std::string_view text) {
  try {
    hull::registry_server::fuzz_stored_manifest(text);
  } catch (const hull::Error& error) {
    hull::fuzz::require(!error.message().empty(), "a refusal says why");
  }
}
}  // namespace

HULL_FUZZ_TARGET(check, hull::registry_server::manifest_seeds())
