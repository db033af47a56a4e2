// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/words.h"

#include <algorithm>

#include "base/error.h"

namespace hull::dockerfile {

namespace {

bool is_ascii_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// What BuildKit splits words at: every ASCII blank but the line feed, which no logical line has.
bool is_separator(char c) { return is_ascii_blank(c) && c != '\n'; }

}  // namespace

std::size_t blank_width(std::string_view text, std::size_t at) {
  auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(at);
  if (first < 0x80) return at < text.size() && is_ascii_blank(text[at]) ? 1 : 0;
  if (first == 0xC2) return byte(at + 1) == 0x85 || byte(at + 1) == 0xA0 ? 2 : 0;  // next line, no-break space
  if (first == 0xE1) return byte(at + 1) == 0x9A && byte(at + 2) == 0x80 ? 3 : 0;  // ogham space
  if (first == 0xE2) {
    const unsigned second = byte(at + 1), third = byte(at + 2);
    // U+2000 to U+200A, the separators U+2028 and U+2029, U+202F and U+205F.
    const bool general =
        second == 0x80 && ((third >= 0x80 && third <= 0x8A) || third == 0xA8 || third == 0xA9 || third == 0xAF);
    return general || (second == 0x81 && third == 0x9F) ? 3 : 0;
  }
  if (first == 0xE3) return byte(at + 1) == 0x80 && byte(at + 2) == 0x80 ? 3 : 0;  // ideographic space
  return 0;
}

std::string_view trim_leading_blanks(std::string_view text) {
  while (std::size_t width = blank_width(text, 0)) text.remove_prefix(width);
  return text;
}

std::string_view trim_blanks(std::string_view text) {
  text = trim_leading_blanks(text);
  while (!text.empty()) {
    std::size_t width = 0;
    for (std::size_t tail = 1; tail <= 3 && tail <= text.size() && width == 0; ++tail)
      if (blank_width(text, text.size() - tail) == tail) width = tail;
    if (width == 0) break;
    text.remove_suffix(width);
  }
  return text;
}

std::size_t character_width(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t width = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1;
  if (at + width > text.size()) return 1;
  for (std::size_t i = 1; i < width; ++i)
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return 1;
  return width;
}

std::vector<std::string> split_blanks(std::string_view text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (at < text.size()) {
    while (at < text.size() && is_separator(text[at])) ++at;
    std::size_t end = at;
    while (end < text.size() && !is_separator(text[end])) ++end;
    if (end > at) words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::pair<std::string_view, std::optional<std::string_view>> split_first_word(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && !is_separator(text[end])) ++end;
  if (end == text.size()) return {text, std::nullopt};
  std::size_t next = end;
  while (next < text.size() && is_separator(text[next])) ++next;
  return {text.substr(0, end), text.substr(next)};
}

std::vector<std::string> quoted_words(std::string_view text, char escape) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (true) {
    while (std::size_t width = blank_width(text, at)) at += width;
    if (at >= text.size()) return words;
    std::string word;
    char quote = 0;
    bool was_quoted = false;
    for (; at < text.size(); ++at) {
      const char c = text[at];
      if (quote == 0 && blank_width(text, at) != 0) break;
      if (c == escape && quote != '\'') {
        if (at + 1 == text.size()) continue;  // an escape in front of nothing is dropped
        word += c;
        word += text[++at];
        continue;
      }
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '\'' || c == '"') {
        quote = c;
        was_quoted = true;
      }
      word += c;
    }
    if (was_quoted || !word.empty()) words.push_back(std::move(word));
  }
}

Flagged split_flags(std::string_view text, char escape) {
  Flagged out;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && is_ascii_blank(text[at])) ++at;
    if (at >= text.size()) return out;
    if (text.substr(at, 2) != "--") {
      out.rest = text.substr(at);
      return out;
    }
    std::string word;
    char quote = 0;
    for (; at < text.size(); ++at) {
      const char c = text[at];
      if (quote == 0 && is_ascii_blank(c)) break;
      if (quote != 0 && c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '\'' || c == '"')) {
        quote = c;
      } else if (c == escape) {
        if (at + 1 < text.size()) word += text[++at];
      } else {
        word += c;
      }
    }
    if (word == "--") {
      out.rest = text.substr(at);
      return out;
    }
    out.flags.push_back(std::move(word));
  }
}

std::vector<std::string> split_csv(std::string_view text) {
  std::vector<std::string> fields;
  std::size_t at = 0;
  while (true) {
    std::string field;
    if (at < text.size() && text[at] == '"') {
      for (++at;; ++at) {
        if (at >= text.size()) fail_invalid("extraneous or missing \" in quoted-field of ", text);
        if (text[at] != '"') {
          field += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == '"') {
          field += text[at++];
        } else {
          break;
        }
      }
      ++at;
      if (at < text.size() && text[at] != ',') fail_invalid("extraneous or missing \" in quoted-field of ", text);
    } else {
      const std::size_t end = std::min(text.find(',', at), text.size());
      field = text.substr(at, end - at);
      if (field.find('"') != std::string::npos) fail_invalid("bare \" in non-quoted-field of ", text);
      at = end;
    }
    fields.push_back(std::move(field));
    if (at >= text.size()) return fields;
    ++at;
  }
}

std::optional<bool> parse_bool(std::string_view text) {
  for (std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"})
    if (text == yes) return true;
  for (std::string_view no : {"0", "f", "F", "FALSE", "false", "False"})
    if (text == no) return false;
  return std::nullopt;
}

}  // namespace hull::dockerfile
