// SPDX-License-Identifier: Apache-2.0
#include "oci/json_syntax.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "oci/json.h"

using namespace hull;

TEST(JsonSyntax, SaysWhatGoSays) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"{invalid json", "invalid character 'i' looking for beginning of object key string"},
      {"x", "invalid character 'x' looking for beginning of value"},
      {"[1,]", "invalid character ']' looking for beginning of value"},
      {R"({"a" 1})", "invalid character '1' after object key"},
      {R"({"a":1 "b"})", R"(invalid character '"' after object key:value pair)"},
      {R"({"a":1,})", "invalid character '}' looking for beginning of object key string"},
      {"[1 2]", "invalid character '2' after array element"},
      {"tru3", "invalid character '3' in literal true (expecting 'e')"},
      {"-x", "invalid character 'x' in numeric literal"},
      {"1.x", "invalid character 'x' after decimal point in numeric literal"},
      {"1e+x", "invalid character 'x' in exponent of numeric literal"},
      {R"("\q")", "invalid character 'q' in string escape code"},
      {R"("\u12g4")", R"(invalid character 'g' in \u hexadecimal character escape)"},
      {"\"a\nb\"", R"(invalid character '\n' in string literal)"},
      {"\x01", R"(invalid character '\x01' looking for beginning of value)"},
      {"'", R"(invalid character '\'' looking for beginning of value)"},
      {R"({"a":[{"b":)", "unexpected EOF"},
      {"\"a", "unexpected EOF"},
      {"nul", "unexpected EOF"},
      {R"( {"a": [true, null, -0.5e-7, "\u00fc"]} )", ""},
  };
  for (const auto& [text, error] : kCases) EXPECT_EQ(json_syntax_error(text), error) << text;
}

TEST(JsonSyntax, DeepNestingCostsNoStack) {
  EXPECT_EQ(json_syntax_error(std::string(1'000'000, '[')), "unexpected EOF");
}

TEST(JsonSyntax, IsWhatTheReaderThrows) {
  try {
    parse_json("{invalid");
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
    EXPECT_EQ(e.message(), "invalid JSON: invalid character 'i' looking for beginning of object key string");
  }
}
