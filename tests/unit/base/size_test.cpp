// SPDX-License-Identifier: Apache-2.0
#include "base/size.h"

#include <gtest/gtest.h>

using hull::parse_size;

TEST(Size, HasUnitsOf1024AndOf1000) {
  EXPECT_EQ(parse_size("0"), 0);
  EXPECT_EQ(parse_size("67108864"), 64 << 20);
  EXPECT_EQ(parse_size("12b"), 12);
  for (const char* text : {"2k", "2K", "2kb", "2KiB", "2 k", "0.002m"})
    EXPECT_EQ(parse_size(text), text[1] == '.' ? 2097 : 2048) << text;
  EXPECT_EQ(parse_size("1.5g"), 3LL << 29);
  EXPECT_EQ(parse_size("3m", 1000), 3'000'000);
  EXPECT_EQ(parse_size("1p"), 1LL << 50);
}

TEST(Size, RefusesWhatIsNone) {
  for (const char* text :
       {"", "k", "-1", "1x", "1kk", "1kib2", "one", "nan", "inf", "1e3", "9999999p", "1 k b", "1  k"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
}
