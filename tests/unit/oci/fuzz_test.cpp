// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "mutation.h"
#include "oci_targets.h"

namespace hull::oci {
namespace {

TEST(Fuzz, References) { fuzz::mutate(kReferenceSeeds, 100'000, fuzz_reference); }
TEST(Fuzz, Platforms) { fuzz::mutate(kPlatformSeeds, 50'000, fuzz_platform); }
TEST(Fuzz, ManifestsAndConfigurations) { fuzz::mutate(kManifestSeeds, 30'000, fuzz_manifest); }

}  // namespace
}  // namespace hull::oci
