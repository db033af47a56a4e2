// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "cli/value.h"

// JSON (RFC 8259) straight into values: a list of a thousand containers is most of a megabyte, and the command line has
// nothing else to do.
namespace hull::cli {
namespace {

constexpr int kMostDepth = 1000;

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  Value parse_whole() {
    Value value = parse(0);
    skip_blanks();
    if (at_ != end_) refuse("something behind its end");
    return value;
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    fail_invalid("invalid JSON at byte ", static_cast<std::size_t>(at_ - begin_), ": ", what);
  }

  void skip_blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  char next() {
    skip_blanks();
    if (at_ == end_) refuse("unexpected end");
    return *at_;
  }
  void expect(char c) {
    if (next() != c) refuse(cat("'", c, "' is missing"));
    ++at_;
  }

  Value parse(int depth) {
    if (depth > kMostDepth) refuse("too many levels");
    switch (next()) {
      case '{': return parse_map(depth);
      case '[': return parse_list(depth);
      case '"': return Value(parse_text());
      case 't': return parse_word("true", Value(true));
      case 'f': return parse_word("false", Value(false));
      case 'n': return parse_word("null", Value());
      default: return parse_number_value();
    }
  }

  Value parse_word(std::string_view word, Value value) {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) refuse("unexpected word");
    at_ += word.size();
    return value;
  }

  Value parse_map(int depth) {
    ++at_;
    Value::Map members;
    if (next() == '}') {
      ++at_;
      return Value(std::move(members));
    }
    for (;;) {
      if (next() != '"') refuse("a name is missing");
      std::string name = parse_text();
      expect(':');
      members.emplace_back(std::move(name), parse(depth + 1));
      if (next() == '}') break;
      expect(',');
    }
    ++at_;
    return Value(std::move(members));
  }

  Value parse_list(int depth) {
    ++at_;
    Value::List items;
    if (next() == ']') {
      ++at_;
      return Value(std::move(items));
    }
    for (;;) {
      items.push_back(parse(depth + 1));
      if (next() == ']') break;
      expect(',');
    }
    ++at_;
    return Value(std::move(items));
  }

  std::string parse_text() {
    const char* from = ++at_;
    while (at_ != end_ && *at_ != '"' && *at_ != '\\') ++at_;
    std::string text(from, at_);
    while (at_ != end_ && *at_ != '"') {
      if (*at_ == '\\')
        parse_escape(text);
      else
        text += *at_++;
    }
    if (at_ == end_) refuse("a text without end");
    ++at_;
    return text;
  }

  void parse_escape(std::string& text) {
    if (++at_ == end_) refuse("a text without end");
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    char escape = *at_++;
    if (auto known = kEscapes.find(escape); known != kEscapes.npos) {
      text += "\"\\/\b\f\n\r\t"[known];
      return;
    }
    if (escape != 'u') refuse("unknown escape");
    std::uint32_t point = parse_hex();
    bool high = point >= 0xD800 && point < 0xDC00;
    if (high && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
      at_ += 2;
      std::uint32_t low = parse_hex();
      point = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
    } else if (point >= 0xD800 && point < 0xE000) {
      point = 0xFFFD;
    }
    append_point(text, point);
  }

  std::uint32_t parse_hex() {
    auto digits = end_ - at_ < 4 ? std::nullopt : parse_number<std::uint32_t>({at_, 4}, 16);
    if (!digits) refuse("four hexadecimal digits are missing");
    at_ += 4;
    return *digits;
  }

  static void append_point(std::string& text, std::uint32_t point) {
    auto add = [&](std::uint32_t bits) { text += static_cast<char>(bits); };
    if (point < 0x80) return add(point);
    if (point >= 0x10000) {
      add(0xF0 | (point >> 18));
      add(0x80 | ((point >> 12) & 0x3F));
    } else if (point >= 0x800) {
      add(0xE0 | (point >> 12));
    }
    add(point < 0x800 ? 0xC0 | (point >> 6) : 0x80 | ((point >> 6) & 0x3F));
    add(0x80 | (point & 0x3F));
  }

  // The end of the digits that begin at `from`, of which there must be one.
  const char* skip_digits(const char* from) const {
    const char* at = from;
    while (at != end_ && *at >= '0' && *at <= '9') ++at;
    if (at == from) refuse("a number is missing");
    return at;
  }

  Value parse_number_value() {
    const char* first = at_ + (*at_ == '-');
    const char* end = first != end_ && *first == '0' ? first + 1 : skip_digits(first);
    const char* whole_end = end;
    if (end != end_ && *end == '.') end = skip_digits(end + 1);
    if (end != end_ && (*end == 'e' || *end == 'E')) {
      ++end;
      if (end != end_ && (*end == '+' || *end == '-')) ++end;
      end = skip_digits(end);
    }
    const char* begin = std::exchange(at_, end);
    std::int64_t number = 0;
    if (end == whole_end && std::from_chars(begin, end, number).ec == std::errc()) return Value(number);
    // Not from_chars: that does not tell a number that is too large from one that is nearly nothing.
    double real = std::strtod(std::string(begin, end).c_str(), nullptr);
    if (!std::isfinite(real)) refuse("a number that is too large");
    return Value(real);
  }

  const char *begin_, *at_, *end_;
};

}  // namespace

Value parse_value(std::string_view json) { return JsonParser(json).parse_whole(); }

}  // namespace hull::cli
