// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

using namespace hull;

TEST(Text, PutsPartsTogether) { EXPECT_EQ(cat("a", 1, 'b', true, std::string("c"), -2L), "a1btruec-2"); }

TEST(Text, SplitsAtEverySeparator) {
  EXPECT_EQ(split("a::b", ':'), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ':'), (std::vector<std::string_view>{""}));
}

TEST(Text, QuotesWhatATerminalWouldSwallow) { EXPECT_EQ(quoted("a\"\n\x01"), "\"a\\\"\\n\\x01\""); }

TEST(Text, ReadsWholeNumbersOnly) {
  EXPECT_EQ(parse_number<int>("-42"), -42);
  EXPECT_FALSE(parse_number<int>("42 "));
  EXPECT_FALSE(parse_number<unsigned char>("256"));
  EXPECT_FALSE(parse_number<int>(""));
}
