// SPDX-License-Identifier: Apache-2.0
#include "oci/platform.h"

#include <gtest/gtest.h>

namespace hull::oci {
namespace {

Platform of(const char* text) { return parse_platform(text); }

TEST(BestMatch, TakesTheBestThatRuns) {
  struct Case {
    std::vector<Platform> offered;
    Platform wanted;
    std::optional<std::size_t> best;
  };
  const Case cases[] = {
      {{of("linux/arm64"), of("linux/amd64")}, of("linux/amd64"), 1},
      {{of("linux/386"), of("linux/arm64")}, of("linux/amd64"), 0},
      {{of("linux/386"), of("linux/amd64")}, of("linux/amd64"), 1},
      {{of("linux/arm/v5"), of("linux/arm/v6")}, of("linux/arm/v7"), 1},
      {{of("linux/arm/v7"), of("linux/arm/v6")}, of("linux/arm/v6"), 1},
      {{of("linux/arm/v7")}, of("linux/arm/v6"), std::nullopt},
      {{of("linux/arm/v7"), of("linux/arm64/v8")}, of("linux/arm64"), 1},
      {{of("linux/arm/v7")}, of("linux/arm64/v8"), 0},
      {{of("windows/amd64")}, of("linux/amd64"), std::nullopt},
      {{of("linux/amd64/v3"), of("linux/amd64/v2")}, of("linux/amd64/v2"), 1},
      {{of("linux/amd64/v3"), of("linux/amd64")}, of("linux/amd64/v2"), 1},
      {{}, of("linux/amd64"), std::nullopt},
  };
  for (const Case& one : cases) EXPECT_EQ(best_match(one.offered, one.wanted), one.best) << to_string(one.wanted);
}

TEST(RunnableOn, ALargeLevelDoesNotMakeALongList) {
  EXPECT_LE(runnable_on(parse_platform("linux/amd64/v2000000000")).size(), 12u);
  EXPECT_LE(runnable_on(parse_platform("linux/arm/v2000000000")).size(), 12u);
}

}  // namespace
}  // namespace hull::oci
