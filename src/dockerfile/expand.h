// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Variables and quotes as Dockerfiles have them: $name ${name} and, with `:` for "unset or empty", ${name:-word}
// ${name:+word} ${name:?message} ${name-word} ${name+word} ${name?message}; patterns with * and ?:
// ${name#pattern} ${name##pattern} ${name%pattern} ${name%%pattern} ${name/pattern/word} ${name//pattern/word}.
namespace hull::dockerfile {

// Names and values in the order in which they were first set, as Docker keeps ENV.
class Environment {
 public:
  using Variable = std::pair<std::string, std::string>;

  Environment() = default;
  explicit Environment(const std::vector<std::string>& list);  // "NAME=value", as in an image's configuration

  const std::string* find(std::string_view name) const;  // null when unset
  void set(std::string_view name, std::string_view value);
  void unset(std::string_view name);
  const std::vector<Variable>& variables() const { return variables_; }
  std::vector<std::string> list() const;  // "NAME=value"
  std::vector<std::string_view> names() const;

 private:
  std::vector<Variable> variables_;
};

// Which names were looked up: for warnings about variables that nobody set.
struct Lookups {
  std::vector<std::string> set, unset;  // each name once
};

struct ExpandOptions {
  char escape = '\\';
  bool keep_quotes = false;       // ' and " stay in the result
  bool keep_escapes = false;      // and so does the escape character
  bool quotes_are_plain = false;  // ' and " have no meaning: contents of heredocs
  bool keep_unset = false;        // variables that are not set stay as they are written
};

// `text` as one word, blanks and all. Throws Error{kInvalidArgument} `failed to process "${x": syntax error: missing
// '}'`.
std::string expand(std::string_view text, const Environment& variables, const ExpandOptions& options = {},
                   Lookups* lookups = nullptr);
// `text` split at blanks that are not quoted; the values of variables are split too.
std::vector<std::string> expand_words(std::string_view text, const Environment& variables,
                                      const ExpandOptions& options = {}, Lookups* lookups = nullptr);

}  // namespace hull::dockerfile
