// SPDX-License-Identifier: Apache-2.0
#include "oci_targets.h"

namespace {
// A text may be refused, with a sentence.
void check(std::string_view text) {
  try {
    hull::oci::fuzz_platform(text);
  } catch (const hull::Error& error) {
    hull::fuzz::require(!error.message().empty(), "a refusal says why");
  }
}
}  // namespace

HULL_FUZZ_TARGET(check, hull::oci::kPlatformSeeds)
