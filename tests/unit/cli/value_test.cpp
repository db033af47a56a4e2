// SPDX-License-Identifier: Apache-2.0
#include "cli/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace hull::cli {
namespace {

TEST(Value, JsonComesBackAsItWas) {
  for (const char* json :
       {"null", "true", "false", "0", "-7", "9223372036854775807", "1.5", "\"\"", "\"a\\\"b\\\\c\\n\"", "[]", "{}",
        "[1,[2,{\"a\":null}],\"x\"]", R"({"b":1,"a":{"c":[true,false]}})", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""})
    EXPECT_EQ(to_json(parse_value(json)), json);
}

TEST(Value, EscapesAndBlanks) {
  EXPECT_EQ(parse_value(R"(  "\u0041\u00e9\u20ac\ud83d\ude00\/\t"  )").text(),
            "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80/\t");
  EXPECT_EQ(parse_value(R"("\ud83d x")").text(), "\xEF\xBF\xBD x");  // half of a pair
  EXPECT_EQ(to_json(parse_value(" { \"a\" :\n[ 1 , 2 ]\t} ")), R"({"a":[1,2]})");
  EXPECT_TRUE(parse_value("1e3").is_real());
  EXPECT_EQ(parse_value("18446744073709551615").real(), 18446744073709551615.0);
  EXPECT_EQ(parse_value("18446744073709551615").integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_value("-1e300").integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_value("-0.25E+2").real(), -25.0);
  EXPECT_EQ(parse_value("1e-400").real(), 0.0);  // nearly
}

TEST(Value, WhatIsNoJsonIsRefused) {
  for (const char* text :
       {"",    " ",  "{",    "[",       "[1",        "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "tru",
        "nul", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "1 2", "[]]",  "-",       "+1",       "'a'",   "01",
        "1.",  ".5", "1e",   "1e+",     "-a",        "inf", "-inf", "nan",     "1e400"})
    EXPECT_THROW(parse_value(text), Error) << text;
  EXPECT_THROW(parse_value(std::string(100'000, '[')), Error);  // the stack is finite
}

TEST(Value, MembersAreFoundExactlyFirst) {
  Value value = parse_value(R"({"name":1,"Name":2})");
  EXPECT_EQ(value["Name"].integer(), 2);
  EXPECT_EQ(value["NAME"].integer(), 1);
  EXPECT_EQ(value.find_exact("NAME"), nullptr);
}

}  // namespace
}  // namespace hull::cli
