// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "archive_targets.h"
#include "mutation.h"

namespace hull::archive {
namespace {

TEST(Fuzz, Tars) { fuzz::mutate({sample_tar()}, 5'000, fuzz_tar); }
TEST(Fuzz, RecordingsOfTars) { fuzz::mutate({sample_tar()}, 1'000, fuzz_recording); }
TEST(Fuzz, CompressedStreams) { fuzz::mutate(compressed_seeds(), 20'000, fuzz_compressed); }

}  // namespace
}  // namespace hull::archive
