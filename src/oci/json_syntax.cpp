// SPDX-License-Identifier: Apache-2.0
#include "oci/json_syntax.h"

#include <array>
#include <utility>
#include <vector>

#include "base/error.h"

namespace hull {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string shown(char c) {
  if (c == '\'') return R"('\'')";
  if (c == '"') return R"('"')";
  for (auto [control, text] : {std::pair{'\n', R"('\n')"}, {'\r', R"('\r')"}, {'\t', R"('\t')"}, {'\\', R"('\\')"}})
    if (c == control) return text;
  auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte < 0x7f) return cat("'", std::string(1, c), "'");
  constexpr std::string_view kHex = "0123456789abcdef";
  return cat(R"('\x)", std::string(1, kHex[byte >> 4]), std::string(1, kHex[byte & 15]), "'");
}

// Reads one value from the front of the text; its own stack, for texts that are nested deeply.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string run() {
    for (bool wants_value = true; error_.empty();) {
      skip_spaces();
      if (wants_value) {
        wants_value = value();
      } else if (open_.empty()) {
        return {};
      } else {
        wants_value = after_value();
      }
    }
    return error_;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  void skip_spaces() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }
  // Always false: no value is expected any more.
  bool wrong(std::string_view where) {
    if (error_.empty()) error_ = at_end() ? "unexpected EOF" : cat("invalid character ", shown(text_[at_]), " ", where);
    return false;
  }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // Whether another value has to follow.
  bool value() {
    if (take('{')) {
      open_.push_back('}');
      skip_spaces();
      return take('}') ? closed() : key();
    }
    if (take('[')) {
      open_.push_back(']');
      skip_spaces();
      return take(']') ? closed() : true;
    }
    if (at_end()) return wrong("");
    char first = text_[at_];
    if (first == '"') return string();
    if (first == '-' || is_digit(first)) return number();
    for (std::string_view literal : {"true", "false", "null"})
      if (first == literal[0]) return word(literal);
    return wrong("looking for beginning of value");
  }
  bool closed() {
    open_.pop_back();
    return false;
  }
  bool key() {
    skip_spaces();
    if (at_end() || text_[at_] != '"') return wrong("looking for beginning of object key string");
    string();
    skip_spaces();
    return error_.empty() && (take(':') || wrong("after object key"));
  }
  bool after_value() {
    bool in_object = open_.back() == '}';
    if (take(open_.back())) return closed();
    if (take(',')) return in_object ? key() : true;
    return wrong(in_object ? "after object key:value pair" : "after array element");
  }
  bool string() {
    for (++at_; !take('"');) {
      if (at_end() || static_cast<unsigned char>(text_[at_]) < 0x20) return wrong("in string literal");
      if (text_[at_++] != '\\') continue;
      if (at_end() || std::string_view("\"\\/bfnrtu").find(text_[at_]) == std::string_view::npos)
        return wrong("in string escape code");
      if (text_[at_++] != 'u') continue;
      for (int digit = 0; digit < 4; ++digit, ++at_)
        if (at_end() || !is_hex(text_[at_])) return wrong("in \\u hexadecimal character escape");
    }
    return false;
  }
  bool digits(std::string_view where) {
    if (at_end() || !is_digit(text_[at_])) return wrong(where);
    while (!at_end() && is_digit(text_[at_])) ++at_;
    return true;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits("in numeric literal")) return false;
    if (take('.') && !digits("after decimal point in numeric literal")) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      digits("in exponent of numeric literal");
    }
    return false;
  }
  bool word(std::string_view literal) {
    for (char c : literal)
      if (!take(c)) return wrong(cat("in literal ", literal, " (expecting '", std::string(1, c), "')"));
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<char> open_;  // what closes the arrays and objects that are open
  std::string error_;
};

}  // namespace

std::string json_syntax_error(std::string_view text) { return Scanner(text).run(); }

}  // namespace hull
