// SPDX-License-Identifier: Apache-2.0
#include "oci/yaml.h"

#include <gtest/gtest.h>

namespace hull {
namespace {

std::string json_of(std::string_view yaml) { return dump_json(parse_yaml(yaml)); }

TEST(Yaml, PlainScalarsHaveTheTypeThatTheyLookLike) {
  EXPECT_EQ(json_of("[~, null, true, False, 12, -3, 0x1f, 0666, 0o17, 1.5, 1e3, 1.2.3, abc, '12', \"true\", -, 08]"),
            R"([null,null,true,false,12,-3,31,438,15,1.5,1000.0,"1.2.3","abc","12","true","-",8.0])");
}

TEST(Yaml, BlocksFlowsAndText) {
  EXPECT_EQ(json_of("a:\n- b: {c: [1, 2]}\n  d: |\n    two\n    lines\n- >-\n  one\n  line\nempty:\n"),
            R"({"a":[{"b":{"c":[1,2]},"d":"two\nlines\n"},"one line"],"empty":null})");
  EXPECT_EQ(json_of(""), "null");
  EXPECT_EQ(json_of("# nothing\n"), "null");
}

TEST(Yaml, AnchorsAndMergeKeys) {
  EXPECT_EQ(json_of("base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {y: 4, <<: [*b, {z: 5}]}\nthree: *b\n"),
            R"({"base":{"x":1,"y":2},"one":{"x":1,"y":3},"two":{"y":4,"x":1,"z":5},"three":{"x":1,"y":2}})");
}

TEST(Yaml, WhatIsWrongIsSaidWithItsLine) {
  auto message = [](std::string_view text) {
    try {
      parse_yaml(text);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
      return e.message();
    }
    return std::string("no error");
  };
  EXPECT_TRUE(message("a: 1\nb: [").starts_with("invalid YAML: line "));
  EXPECT_EQ(message("a: 1\n---\nb: 2\n"), "invalid YAML: line 3: a second document begins here");
  EXPECT_EQ(message("? [a]\n: 1\n"), "invalid YAML: line 1: a key has to be text");
  EXPECT_TRUE(message("a: *nobody").starts_with("invalid YAML: line 1"));
  std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_NE(message(deep).find("nested too deeply"), std::string::npos);
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    std::string before = cat("*a", i - 1), list = before;
    for (int j = 0; j < 9; ++j) list += ", " + before;
    laughs += cat("a", i, ": &a", i, " [", list, "]\n");
  }
  EXPECT_NE(message(laughs).find("too large"), std::string::npos);
}

}  // namespace
}  // namespace hull
