// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "base/error.h"
#include "container/log_drivers.h"

// The part of Go's templates that tags of logs are written in.
namespace hull::container {

namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  fail_invalid("invalid log tag: {{", text, "}}: ", why);
}

// Words, quoted texts and bracketed groups; a group keeps what is glued to it: (.ExtraAttributes nil).X
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  int depth = 0;
  bool is_quoted = false;
  for (char c : text) {
    if (c == '"') is_quoted = !is_quoted;
    if (!is_quoted) depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (is_quoted || depth > 0 || (c != ' ' && c != '\t')) {
      word += c;
      continue;
    }
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  }
  if (is_quoted || depth != 0) refuse(text, "a quote or bracket is not closed");
  if (!word.empty()) words.push_back(word);
  return words;
}

std::string value_in(const StringMap& map, const std::string& key) {
  auto found = map.find(key);
  return found == map.end() ? "" : found->second;
}

std::string title(std::string text) {
  bool first = true;
  for (char& c : text) {
    if (first) c = upper(std::string_view(&c, 1))[0];
    first = c == ' ';
  }
  return text;
}

class Expression {
 public:
  Expression(std::string_view text, const TagFacts& facts) : text_(text), facts_(facts) {}

  std::string value() {
    std::string result;
    bool first = true;
    for (std::string_view part : split(text_, '|')) {
      result = first ? term(words_of(part)) : piped(words_of(part), result);
      first = false;
    }
    return result;
  }

 private:
  std::string term(const std::vector<std::string>& words) {
    if (words.empty()) refuse(text_, "missing value for command");
    if (words.size() == 1) return operand(words[0]);
    if (words[0] == "index" && words.size() == 3 && words[1] == ".ContainerLabels")
      return value_in(facts_.labels, unquoted(words[2]));
    if (words.size() == 2) return call(words[0], operand(words[1]), {});
    if (words.size() == 3) return call(words[0], operand(words[1]), words[2]);
    refuse(text_, "it is not understood");
  }

  std::string piped(const std::vector<std::string>& words, const std::string& argument) {
    if (words.size() != 1) refuse(text_, "it is not understood");
    return call(words[0], argument, {});
  }

  std::string operand(const std::string& word) {
    if (word.starts_with('"')) return unquoted(word);
    constexpr std::string_view kExtra = "(.ExtraAttributes nil).";
    if (word.starts_with(kExtra)) return value_in(facts_.extra, word.substr(kExtra.size()));
    if (word.starts_with('.')) {
      auto found = facts_.fields.find(word.substr(1));
      if (found != facts_.fields.end()) return found->second;
    }
    refuse(text_, cat("there is no ", word));
  }

  std::string call(const std::string& function, const std::string& argument, const std::string& number) {
    if (function == "lower") return lower(argument);
    if (function == "upper") return upper(argument);
    if (function == "title") return title(argument);
    if (function == "truncate") {
      auto size = parse_number<std::size_t>(number);
      if (!size) refuse(text_, "truncate needs a number");
      return argument.substr(0, std::min(*size, argument.size()));
    }
    refuse(text_, cat("function ", quoted(function), " not defined"));
  }

  std::string unquoted(const std::string& word) {
    if (word.size() < 2 || word.front() != '"' || word.back() != '"') refuse(text_, cat("unexpected ", word));
    return word.substr(1, word.size() - 2);
  }

  std::string_view text_;
  const TagFacts& facts_;
};

}  // namespace

std::string render_log_tag(std::string_view text, const TagFacts& facts) {
  std::string out;
  for (;;) {
    auto open = text.find("{{");
    out += text.substr(0, open);
    if (open == text.npos) return out;
    auto close = text.find("}}", open);
    if (close == text.npos) fail_invalid("invalid log tag: unclosed action in ", quoted(text));
    out += Expression(trim(text.substr(open + 2, close - open - 2)), facts).value();
    text.remove_prefix(close + 2);
  }
}

}  // namespace hull::container
