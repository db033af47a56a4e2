// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <gtest/gtest.h>

using namespace hull;
using namespace std::chrono_literals;

TEST(Clock, WritesTimesAsGoDoes) {
  EXPECT_EQ(format_rfc3339({1767323045123456000}), "2026-01-02T03:04:05.123456Z");
  EXPECT_EQ(format_rfc3339({1767323045000000000}), "2026-01-02T03:04:05Z");
  EXPECT_EQ(format_rfc3339({}), "0001-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339({951782400000000000}), "2000-02-29T00:00:00Z");
  EXPECT_EQ(format_rfc3339({4107542399000000000}), "2100-02-28T23:59:59Z");
  EXPECT_EQ(format_rfc3339({4107542400000000000}), "2100-03-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339_fixed({1767323045120000000}), "2026-01-02T03:04:05.120000000Z");
}

TEST(Clock, ReadsEveryZoneAndFraction) {
  EXPECT_EQ(parse_rfc3339("2026-01-02T03:04:05.123456Z")->nanoseconds, 1767323045123456000);
  EXPECT_EQ(parse_rfc3339("2026-01-02T05:04:05+02:00")->nanoseconds, 1767323045000000000);
  EXPECT_EQ(parse_rfc3339("0001-01-01T00:00:00Z")->nanoseconds, 0);
  EXPECT_FALSE(parse_rfc3339("2026-13-02T03:04:05Z"));
  EXPECT_FALSE(parse_rfc3339("yesterday at noon, more or less"));
}

TEST(Clock, ReadsGoDurations) {
  EXPECT_EQ(parse_duration("1h15m30.5s"), 75min + 30s + 500ms);
  EXPECT_EQ(parse_duration("-300ms"), -300ms);
  EXPECT_EQ(parse_duration("0"), 0ns);
  EXPECT_EQ(parse_duration(".5s"), 500ms);
  EXPECT_EQ(parse_duration("1.000000001s"), 1s + 1ns);
  EXPECT_FALSE(parse_duration("."));
  EXPECT_FALSE(parse_duration("5"));
  EXPECT_FALSE(parse_duration("5 minutes"));
  EXPECT_FALSE(parse_duration(""));
}
