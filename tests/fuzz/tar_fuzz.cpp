// SPDX-License-Identifier: Apache-2.0
#include "archive_targets.h"

namespace {
// A text may be refused, with a sentence.
void check(std::string_view text) {
  try {
    hull::archive::fuzz_tar(text);
  } catch (const hull::Error& error) {
    hull::fuzz::require(!error.message().empty(), "a refusal says why");
  }
}
}  // namespace

HULL_FUZZ_TARGET(check, {hull::archive::sample_tar()})
