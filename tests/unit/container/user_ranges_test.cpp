// SPDX-License-Identifier: Apache-2.0
#include "container/user_ranges.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace hull::container {

namespace {

TEST(UserRanges, HandsOutNeighboursUntilNoneIsLeft) {
  UserRanges ranges({1'000'000, 2'000'000, 3 * UserRanges::kSize - 1});
  UserRange first = ranges.take(), second = ranges.take();
  EXPECT_EQ(first.uid, 1'000'000U);
  EXPECT_EQ(second.uid, 1'000'000U + UserRanges::kSize);
  EXPECT_EQ(second.gid, 2'000'000U + UserRanges::kSize);
  EXPECT_THROW(ranges.take(), Error);
  ranges.give_back(first);
  EXPECT_EQ(ranges.take().uid, first.uid);
}

TEST(UserRanges, LeavesAloneWhatOverlapsWithOneOfAnotherConfiguration) {
  UserRanges ranges({1'000'000, 1'000'000, 3 * UserRanges::kSize});
  ranges.keep({1'000'000 + UserRanges::kSize / 2, 1'000'000, UserRanges::kSize});
  EXPECT_EQ(ranges.take().uid, 1'000'000U + 2 * UserRanges::kSize);
}

TEST(UserRanges, TextOfAPoolIsChecked) {
  EXPECT_EQ(parse_user_ranges("200000:131072").size, 131072U);
  for (const char* wrong : {"", "5", "5:5", "0:65536", "200000:65535", "2147483000:65536", "x:y"})
    EXPECT_THROW(parse_user_ranges(wrong), Error) << wrong;
}

}  // namespace

}  // namespace hull::container
