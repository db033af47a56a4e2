// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hull::dockerfile {

// One pattern of an ignore file, of --exclude or of COPY --parents, compiled: the wildcards of filepath.Match and `**`.
// It matches whole paths; that what is below a match is matched too is the business of whoever asks (ignore.h).
class PathPattern {
 public:
  // `pattern` is clean (no "./", no "//"). Throws Error{kInvalidArgument} "syntax error in pattern".
  explicit PathPattern(std::string_view pattern);

  // `depth`: the number of "/" in `path`, which the caller knows once for many patterns.
  bool matches(std::string_view path, std::size_t depth) const;
  bool matches(std::string_view path) const;

  // May it match something below `directory` (which is not the top)?
  bool may_match_below(std::string_view directory) const;

 private:
  enum class Kind : unsigned char {
    kExact,   // no wildcard
    kPrefix,  // "a/b/**"
    kSuffix,  // "**/a/b"; "**a" ends in a, whatever is before it
    kGeneral,
  };
  struct Token {
    enum class Type : unsigned char {
      kText,
      kOne,      // ? : not "/"
      kStar,     // * : without "/"
      kClass,    // [a-z]
      kParents,  // ** in front of something: "" or any text that ends in "/"
      kAll,      // ** at the end
    } type;
    std::string text;  // kClass: with its brackets
  };

  void compile(std::string_view pattern);
  bool matches_tokens(std::string_view path) const;
  bool matches_table(std::string_view path) const;

  Kind kind_ = Kind::kExact;
  bool any_depth_ = false;
  bool inside_element_ = false;  // "a**b": `**` that does not start an element
  std::size_t depth_ = 0;        // unless any_depth_
  std::string first_, last_;     // what a match begins and ends with; kExact: all of it, in first_
  std::vector<Token> tokens_;
};

// path.Clean: "./a//b/../c" is "a/c", "" is ".".
std::string clean_path(std::string_view path);
// The same seen from the top, which nothing gets above, and without the leading "/": "/../a/" is "a", "/" is "".
std::string clean_relative(std::string_view path);

}  // namespace hull::dockerfile
