// SPDX-License-Identifier: Apache-2.0
#include "image/words.h"

#include <cctype>

#include "base/error.h"

namespace hull::image {

namespace {

bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view value_of(std::string_view name, const Environment& environment) {
  for (const std::string& entry : environment)
    if (auto [key, value] = split_once(entry, '='); key == name && value) return *value;
  return {};
}

class Words {
 public:
  Words(std::string_view text, const Environment& environment) : rest_(text), environment_(environment) {}

  // The next word; false at the end of the text. With `to_end`, blanks do not end it.
  bool next(std::string& word, bool to_end) {
    while (!to_end && !rest_.empty() && is_blank(rest_.front())) take();
    if (rest_.empty()) return false;
    word.clear();
    while (!rest_.empty() && (to_end || !is_blank(rest_.front()))) piece(word);
    return true;
  }

 private:
  char take() {
    char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void piece(std::string& word) {
    char c = take();
    if (c == '\'')
      single_quoted(word);
    else if (c == '"')
      double_quoted(word);
    else if (c == '$')
      variable(word);
    else if (c == '\\' && !rest_.empty())
      word += take();
    else
      word += c;
  }

  void single_quoted(std::string& word) {
    auto end = rest_.find('\'');
    if (end == rest_.npos) fail_invalid("unexpected end of statement while looking for matching single-quote");
    word += rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
  }

  void double_quoted(std::string& word) {
    while (!rest_.empty()) {
      char c = take();
      if (c == '"') return;
      if (c == '$') {
        variable(word);
      } else if (c == '\\' && !rest_.empty()) {
        // Only these lose their backslash inside double quotes.
        char next = take();
        if (next != '"' && next != '$' && next != '\\') word += '\\';
        word += next;
      } else {
        word += c;
      }
    }
    fail_invalid("unexpected end of statement while looking for matching double-quote");
  }

  void variable(std::string& word) {
    if (!rest_.empty() && rest_.front() == '{') {
      braced(word);
      return;
    }
    std::size_t size = 0;
    while (size < rest_.size() && is_name(rest_[size])) ++size;
    if (size == 0)
      word += '$';
    else
      word += value_of(rest_.substr(0, size), environment_);
    rest_.remove_prefix(size);
  }

  void braced(std::string& word) {
    auto end = rest_.find('}');
    if (end == rest_.npos) fail_invalid("syntax error: missing '}' in a variable substitution");
    std::string_view inside = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    std::size_t size = 0;
    while (size < inside.size() && is_name(inside[size])) ++size;
    std::string_view value = value_of(inside.substr(0, size), environment_);
    std::string_view modifier = inside.substr(size);
    if (size == 0) fail_invalid("syntax error: bad substitution ${", inside, "}");
    if (modifier.empty())
      word += value;
    else if (modifier.starts_with(":-"))
      word += value.empty() ? modifier.substr(2) : value;
    else if (modifier.starts_with(":+"))
      word += value.empty() ? std::string_view() : modifier.substr(2);
    else
      fail_invalid("syntax error: unsupported modifier in ${", inside, "}");
  }

  std::string_view rest_;
  const Environment& environment_;
};

}  // namespace

std::vector<std::string> expand_words(std::string_view text, const Environment& environment) {
  Words words(text, environment);
  std::vector<std::string> found;
  for (std::string word; words.next(word, false);) found.push_back(word);
  return found;
}

std::string expand_text(std::string_view text, const Environment& environment) {
  std::string word;
  Words(text, environment).next(word, true);
  return word;
}

std::vector<std::pair<std::string, std::string>> expand_pairs(std::string_view instruction, std::string_view text,
                                                              const Environment& environment) {
  text = trim(text);
  std::string_view first = text.substr(0, text.find_first_of(" \t"));
  if (first.find('=') == first.npos) {
    if (first.size() == text.size()) fail_invalid(instruction, " must have two arguments");
    return {{expand_text(first, environment), expand_text(trim(text.substr(first.size())), environment)}};
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& word : expand_words(text, environment)) {
    auto [key, value] = split_once(word, '=');
    if (!value)
      fail_invalid("Syntax error - can't find = in ", hull::quoted(word), ". Must be of the form: name=value");
    if (key.empty()) fail_invalid(instruction, " names can not be blank");
    pairs.emplace_back(key, *value);
  }
  return pairs;
}

}  // namespace hull::image
