// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/ignore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "dockerfile/path_pattern.h"
#include "dockerfile/wildcard.h"

namespace hull::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Which of `paths` are left out, asked one by one and in a walk; both must agree.
std::vector<std::string> left_out(std::string_view rules_text, const std::vector<std::string>& paths) {
  const IgnoreRules rules = IgnoreRules::parse(rules_text);
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    IgnoreRules::Above above;
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      IgnoreRules::Above below;
      rules.matches(path.substr(0, slash), above, &below);
      above = below;
    }
    const bool match = rules.matches(path, above, nullptr);
    EXPECT_EQ(rules.matches(path), match) << path;
    if (match) out.push_back(path);
  }
  return out;
}

TEST(Ignore, LinesOfTheFile) {
  EXPECT_THAT(IgnoreRules::parse("\xEF\xBB\xBF# comment\n\n  a  \r\n/b/../c/\n! /d\n ./e//f \n#g").patterns(),
              ElementsAre("a", "c", "!d", "e/f"));
  EXPECT_TRUE(IgnoreRules::parse("").empty());
  EXPECT_FALSE(IgnoreRules::parse("").matches("a"));
  // A number sign that is not the first character is no comment.
  EXPECT_THAT(left_out(" #a", {"#a", "a"}), ElementsAre("#a"));
  EXPECT_THAT(ignore_files("sub/App.Dockerfile"), ElementsAre("sub/App.Dockerfile.dockerignore", ".dockerignore"));
}

TEST(Ignore, WildcardsAndDirectories) {
  EXPECT_THAT(left_out("*.log", {"a.log", "d/a.log"}), ElementsAre("a.log"));
  EXPECT_THAT(left_out("*/*.log", {"a.log", "d/a.log", "d/e/a.log"}), ElementsAre("d/a.log"));
  EXPECT_THAT(left_out("**/*.log", {"a.log", "d/a.log", "d/e/a.log", "a.logs"}),
              ElementsAre("a.log", "d/a.log", "d/e/a.log"));
  EXPECT_THAT(left_out("node_modules/", {"node_modules", "node_modules/a/b", "x/node_modules"}),
              ElementsAre("node_modules", "node_modules/a/b"));
  EXPECT_THAT(left_out("**/tmp", {"tmp", "a/tmp", "a/tmp/x", "a/tmpx"}), ElementsAre("tmp", "a/tmp", "a/tmp/x"));
  EXPECT_THAT(left_out("a/**/z", {"a/z", "a/b/z", "a/b/c/z", "az"}), ElementsAre("a/z", "a/b/z", "a/b/c/z"));
  EXPECT_THAT(left_out("a/**", {"a", "a/b", "a/b/c", "ab"}), ElementsAre("a/b", "a/b/c"));
  EXPECT_THAT(left_out("temp?", {"temp", "temp1", "temp12"}), ElementsAre("temp1"));
  EXPECT_THAT(left_out("[a-c]x\n[^a-c]y", {"ax", "dx", "ay", "dy"}), ElementsAre("ax", "dy"));
  EXPECT_THAT(left_out("\\*\n\\!b", {"*", "a", "!b"}), ElementsAre("*", "!b"));
  EXPECT_THAT(left_out("a**b", {"ab", "axb", "a/b", "ax/b", "c/ab"}), ElementsAre("ab", "a/b", "ax/b"));
  EXPECT_THAT(left_out("**", {"a", "a/b"}), ElementsAre("a", "a/b"));
}

TEST(Ignore, TheLastRuleThatMatchesDecides) {
  EXPECT_THAT(left_out("*.md\n!README.md", {"a.md", "README.md"}), ElementsAre("a.md"));
  EXPECT_THAT(left_out("*.md\n!README*.md\nREADME-secret.md", {"README.md", "README-secret.md"}),
              ElementsAre("README-secret.md"));
  EXPECT_THAT(left_out("*\n!src\nsrc/*.o", {"a", "src", "src/a.c", "src/a.o", "src/b/a.o"}),
              ElementsAre("a", "src/a.o"));
  EXPECT_THAT(left_out("dir\n!dir/keep", {"dir", "dir/a", "dir/keep", "dir/keep/x"}), ElementsAre("dir", "dir/a"));
}

TEST(Ignore, DirectoriesThatNeedNotBeEntered) {
  const IgnoreRules none = IgnoreRules::parse("a\nb");
  EXPECT_FALSE(none.may_include_below("a"));
  const IgnoreRules some = IgnoreRules::parse("*\n!a/b/c\n!x*/y");
  EXPECT_TRUE(some.may_include_below("a"));
  EXPECT_TRUE(some.may_include_below("a/b"));
  EXPECT_FALSE(some.may_include_below("a/c"));
  EXPECT_FALSE(some.may_include_below("aa"));
  EXPECT_TRUE(some.may_include_below("x1"));
  EXPECT_TRUE(IgnoreRules::parse("*\n!**/keep").may_include_below("any/where"));
}

TEST(Ignore, MalformedPatternsAreNamedWithTheirLine) {
  try {
    IgnoreRules::parse("a\n[b\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "line 2 of the ignore file: syntax error in pattern \"[b\"");
  }
  EXPECT_THROW(IgnoreRules::parse("!"), Error);
  EXPECT_THROW(IgnoreRules::from_patterns({"[z-a]"}), Error);
}

TEST(Ignore, HostilePatternsEndSoon) {
  std::string pattern, path;
  for (int i = 0; i < 30; ++i) pattern += "a**";
  for (int i = 0; i < 3000; ++i) path += "a/";
  EXPECT_FALSE(PathPattern(pattern + "b").matches(path + "c"));
  EXPECT_FALSE(*matches_wildcard("*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(Wildcard, AsFilepathMatch) {
  EXPECT_TRUE(*matches_wildcard("*.c", "a.c"));
  EXPECT_FALSE(*matches_wildcard("*.c", "d/a.c"));
  EXPECT_TRUE(*matches_wildcard("d/*/[!x]?", "d/e/!y"));
  EXPECT_TRUE(*matches_wildcard("a\\*b", "a*b"));
  EXPECT_TRUE(*matches_wildcard("[\\]a]", "]"));
  EXPECT_TRUE(*matches_wildcard("é?", "éü"));
  EXPECT_TRUE(*matches_wildcard("", ""));
  for (std::string_view bad : {"[", "[]a]", "[a", "[-]", "[x-]", "[a-b-c]", "\\", "a[", "[]"})
    EXPECT_EQ(matches_wildcard(bad, "a"), std::nullopt) << bad;
  EXPECT_TRUE(has_wildcards("a?"));
  EXPECT_FALSE(has_wildcards("a\\?"));
  EXPECT_EQ(fixed_prefix("/a/./b/*.c/d"), "a/b");
  EXPECT_EQ(fixed_prefix("*.c"), "");
}

TEST(Wildcard, PivotsOfParents) {
  const PivotedSource plain = split_pivot("./src/a.c");
  EXPECT_EQ(plain.base, "");
  EXPECT_EQ(plain.pattern, "src/a.c");
  EXPECT_TRUE(plain.required);
  const PivotedSource pivot = split_pivot("/x/y/./**/*.c");
  EXPECT_EQ(pivot.base, "x/y");
  EXPECT_EQ(pivot.pattern, "**/*.c");
  EXPECT_FALSE(pivot.required);
}

TEST(Wildcard, CleanPaths) {
  EXPECT_EQ(clean_path("a/./b//../c/"), "a/c");
  EXPECT_EQ(clean_path("../a"), "../a");
  EXPECT_EQ(clean_path("/../a"), "/a");
  EXPECT_EQ(clean_path(""), ".");
  EXPECT_EQ(clean_relative("/../../a/.."), "");
}

}  // namespace
}  // namespace hull::dockerfile
