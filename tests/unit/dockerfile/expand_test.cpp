// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/expand.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace hull::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Environment kVariables(std::vector<std::string>{"a=foo/bar.tar.gz", "empty=", "two=x y", "star=*", "b=a\\b",
                                                      "é=ü"});

std::string expanded(std::string_view text) {
  try {
    return expand(text, kVariables);
  } catch (const Error& error) {
    const std::string& message = error.message();
    return cat("error", message.substr(message.rfind("\": ") + 1));
  }
}

struct Case {
  std::string_view text, result;
};

TEST(Expand, EveryModifier) {
  for (const auto& [text, result] : std::initializer_list<Case>{
           {"$a ${a}", "foo/bar.tar.gz foo/bar.tar.gz"},
           {"$unset|${unset}|$empty", "||"},
           {"${unset:-w} ${unset-w} ${empty:-w} ${empty-w}", "w w w "},
           {"${unset:+w}|${unset+w}|${empty:+w}|${empty+w}|${a:+w}|${a+w}", "|||w|w|w"},
           {"${a:?m} ${a?m} ${empty?m}", "foo/bar.tar.gz foo/bar.tar.gz "},
           {"${unset:-${empty:-${a#*/}}}", "bar.tar.gz"},
           {"${unset:-'$a' \"$two\" \\}}", "$a x y }"},
           {"${a#*/} ${a##*.} ${a%.*} ${a%%.*}", "bar.tar.gz gz foo/bar.tar foo/bar"},
           {"${a#f?o} ${a%?z} ${a#nothing} ${unset#x}", "/bar.tar.gz foo/bar.tar. foo/bar.tar.gz "},
           {"${a/o/0} ${a//o/0} ${a//./} ${a/*a/X} ${a//[a]/y}",
            "f0o/bar.tar.gz f00/bar.tar.gz foo/bartargz Xr.gz foo/bar.tar.gz"},
           {"${a/\\//:} ${two// /_}", "foo:bar.tar.gz x_y"},
           {"${star#\\*}|${star//\\*/s}|${b/\\\\/-}", "|s|a-b"},
           {"${unset:+}${a:+}", ""},
       })
    EXPECT_EQ(expanded(text), result) << text;
}

TEST(Expand, QuotesAndEscapes) {
  for (const auto& [text, result] : std::initializer_list<Case>{
           {"'$a' \"$two\" \"'$two'\"", "$a x y 'x y'"},
           {"\\$a \"\\$a\" '\\$a'", "$a $a \\$a"},
           {"a\\b \"a\\b\" \"\\\"\" \\\"", "ab a\\b \" \""},
           {"$ $| 100% $é end\\", "$ $| 100% ü end"},
           {"$1$12$?$@$#", ""},
           {"<<$a <$a", "<<foo/bar.tar.gz <foo/bar.tar.gz"},
       })
    EXPECT_EQ(expanded(text), result) << text;
  EXPECT_EQ(expand("C:\\$empty `$a \"`$a\"", kVariables, {.escape = '`'}), "C:\\ $a $a");
  EXPECT_EQ(expand("\"$two\" 'x$two' \\$two", kVariables, {.quotes_are_plain = true}), "\"x y\" 'xx y' $two");
  EXPECT_EQ(expand("'a' \"b\"", kVariables, {.keep_quotes = true}), "'a' \"b\"");
  EXPECT_EQ(expand("$unset ${unset} ${unset:-x}", kVariables, {.keep_unset = true}), "$unset ${unset} ${unset:-x}");
}

TEST(Expand, Words) {
  EXPECT_THAT(expand_words("$two \"$two\" a\\ b '' ${unset}", kVariables), ElementsAre("x", "y", "x y", "a b"));
  EXPECT_THAT(expand_words("80${empty}00 pre${unset:-x y}post", kVariables), ElementsAre("8000", "prex", "ypost"));
}

TEST(Expand, Refusals) {
  for (const auto& [text, result] : std::initializer_list<Case>{
           {"${a", "error: syntax error: missing '}'"},
           {"${", "error: syntax error: missing '}'"},
           {"${}", "error: syntax error: bad substitution"},
           {"${{a}", "error: syntax error: bad substitution"},
           {"${a:-x", "error: syntax error: missing '}'"},
           {"${a=b}", "error: unsupported modifier (=) in substitution"},
           {"${a:=b}", "error: unsupported modifier (:=) in substitution"},
           {"${a:#b}", "error: unsupported modifier (:#) in substitution"},
           {"${a/b}", "error: syntax error: missing '/' in ${}"},
           {"${a#\\x}", "error: invalid pattern (\\x) in substitution: invalid escape '\\x'"},
           {"'open", "error: unexpected end of statement while looking for matching single-quote"},
           {"\"open", "error: unexpected end of statement while looking for matching double-quote"},
           {"${unset?}", "error: unset: is not allowed to be unset"},
           {"${empty:?}", "error: empty: is not allowed to be empty"},
           {"${unset:?give it with --build-arg}", "error: unset: give it with --build-arg"},
       })
    EXPECT_EQ(expanded(text), result) << text;
  try {
    expand("x ${a", kVariables);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("failed to process \"x ${a\": "));
    EXPECT_EQ(error.kind(), Kind::kInvalidArgument);
  }
}

TEST(Expand, HostileTextsEndSoon) {
  std::string nested;
  for (int i = 0; i < 100000; ++i) nested += "${a:-";
  EXPECT_THROW(expand(nested, kVariables), Error);
  const Environment long_value(std::vector<std::string>{cat("v=", std::string(20000, 'a'))});
  EXPECT_EQ(expand("${v##*a*a*a*a*a*a*a*b}", long_value).size(), 20000U);
  EXPECT_EQ(expand("${v//*a*a*a*b/x}", long_value).size(), 20000U);
}

TEST(Expand, LookupsNameEachVariableOnce) {
  Lookups lookups;
  expand("$a $a $x ${x} ${y:-$z}", kVariables, {}, &lookups);
  EXPECT_THAT(lookups.set, ElementsAre("a"));
  EXPECT_THAT(lookups.unset, ElementsAre("x", "z", "y"));
}

}  // namespace
}  // namespace hull::dockerfile
