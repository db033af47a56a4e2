// SPDX-License-Identifier: Apache-2.0
// The exec form of RUN, CMD, ENTRYPOINT, SHELL, COPY, ADD and VOLUME. Whether a text is exec form depends on nothing
// but whether it is a valid JSON array (RFC 8259), so the whole grammar is followed here; only strings are kept. Bytes
// that are not UTF-8 pass through as they are: they are paths of somebody's file system.
#include <cstdint>

#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  // False when the text is no JSON array.
  bool array_of_strings(std::vector<std::string>& out, bool& only_strings) {
    only_strings = true;
    if (!array([&] {
          if (peek() == '"') return string(&out.emplace_back());
          only_strings = false;
          return value(1);
        }))
      return false;
    blanks();
    return at_ == text_.size();
  }

  // The text member `wanted` of an object; empty when the text is no object, or has no such member.
  std::optional<std::string> text_member(std::string_view wanted) {
    std::optional<std::string> found;
    blanks();
    if (peek() != '{' || !object([&](const std::string& key) {
          if (key != wanted || peek() != '"') return value(1);
          return string(&found.emplace());
        }))
      return std::nullopt;
    blanks();
    return at_ == text_.size() ? found : std::nullopt;
  }

 private:
  static constexpr int kDeepest = 10000;  // as Go's decoder

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  template <class Element>
  bool array(Element element) {
    blanks();
    if (!take('[')) return false;
    blanks();
    if (take(']')) return true;
    while (true) {
      blanks();
      if (!element()) return false;
      blanks();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

  template <class Member>
  bool object(Member member) {
    ++at_;
    blanks();
    if (take('}')) return true;
    while (true) {
      blanks();
      std::string key;
      if (peek() != '"' || !string(&key)) return false;
      blanks();
      if (!take(':')) return false;
      blanks();
      if (!member(key)) return false;
      blanks();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  bool value(int depth) {
    if (depth > kDeepest) return false;
    switch (peek()) {
      case '"': return string(nullptr);
      case '[': return array([&] { return value(depth + 1); });
      case '{': return object([&](const std::string&) { return value(depth + 1); });
      default: break;
    }
    for (std::string_view literal : {"true", "false", "null"}) {
      if (text_.substr(at_, literal.size()) != literal) continue;
      at_ += literal.size();
      return true;
    }
    return number();
  }

  bool digits() {
    const std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > start;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    return true;
  }

  bool hex4(std::uint32_t& code) {
    code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      std::uint32_t digit = 0;
      if (c >= '0' && c <= '9')
        digit = static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f')
        digit = static_cast<std::uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F')
        digit = static_cast<std::uint32_t>(c - 'A' + 10);
      else
        return false;
      code = code * 16 + digit;
      ++at_;
    }
    return true;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
    if (code < 0x80) {
      byte(code);
    } else if (code < 0x800) {
      byte(0xC0 | code >> 6);
      byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      byte(0xE0 | code >> 12);
      byte(0x80 | (code >> 6 & 0x3F));
      byte(0x80 | (code & 0x3F));
    } else {
      byte(0xF0 | code >> 18);
      byte(0x80 | (code >> 12 & 0x3F));
      byte(0x80 | (code >> 6 & 0x3F));
      byte(0x80 | (code & 0x3F));
    }
  }

  bool unicode_escape(std::string& out) {
    std::uint32_t code = 0;
    if (!hex4(code)) return false;
    const bool high = code >= 0xD800 && code < 0xDC00;
    if (high && text_.substr(at_, 2) == "\\u") {
      const std::size_t before = at_;
      at_ += 2;
      std::uint32_t low = 0;
      if (!hex4(low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        append_utf8(out, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
        return true;
      }
      at_ = before;  // two halves that do not belong together: each becomes the replacement character
    }
    append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    return true;
  }

  bool string(std::string* out) {
    std::string ignored;
    std::string& text = out ? *out : ignored;
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        text += c;
        continue;
      }
      const char escaped = peek();
      const std::size_t index = std::string_view("\"\\/bfnrt").find(escaped);
      if (at_ < text_.size() && index != std::string_view::npos) {
        text += "\"\\/\b\f\n\r\t"[index];
        ++at_;
      } else if (!take('u') || !unicode_escape(text)) {
        return false;
      }
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

JsonForm parse_json_strings(std::string_view text, std::vector<std::string>& out) {
  out.clear();
  text = trim_leading_blanks(text);
  if (text.empty() || text.front() != '[') return JsonForm::kNone;
  bool only_strings = true;
  if (!JsonScanner(text).array_of_strings(out, only_strings)) {
    out.clear();
    return JsonForm::kNone;
  }
  return only_strings ? JsonForm::kStrings : JsonForm::kOther;
}

std::optional<std::string> syntax_of_json(std::string_view text) { return JsonScanner(text).text_member("syntax"); }

}  // namespace hull::dockerfile
