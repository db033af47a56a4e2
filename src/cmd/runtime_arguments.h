// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hull::runtime_cli {

struct Flag {
  std::string_view name;        // without dashes
  std::string_view short_name;  // one letter, or empty
  bool takes_value = false;
};

// Where the flags of a command may be. What follows the first other word can be the command line of somebody else.
enum class Flags { kAnywhere, kInFront };

// What is left of a command line after its flags were taken out: "-x v", "--x v", "--x=v", "-x=v", in Go's manner (one
// dash or two are the same). Flags end at "--" or, kInFront, at the first other word; behind that word, kAnywhere, what
// begins with a dash and is no flag is a word.
class Arguments {
 public:
  // Throws Error{kInvalidArgument} for unknown flags and missing values.
  Arguments(const std::vector<Flag>& flags, std::vector<std::string> words, Flags where = Flags::kAnywhere);

  bool has(std::string_view flag) const { return values_.contains(flag); }
  std::string get(std::string_view flag, std::string fallback = {}) const;  // the last value given
  std::vector<std::string> all(std::string_view flag) const;
  const std::vector<std::string>& words() const { return words_; }
  // Throws Error{kInvalidArgument} when there are fewer words than `least` or more than `most`. `verb` for the message.
  void expect_words(std::string_view verb, std::size_t least, std::size_t most) const;
  void expect_words(std::string_view verb, std::size_t exactly) const { expect_words(verb, exactly, exactly); }
  // The word at `index`. Throws Error{kInvalidArgument} naming `what` when there is none.
  const std::string& word(std::size_t index, std::string_view what) const;

 private:
  // Takes the flag at `next`, and its value; false when that is none.
  bool take_flag(const std::vector<Flag>& flags, const std::vector<std::string>& words, std::size_t& next);

  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> words_;
};

}  // namespace hull::runtime_cli
