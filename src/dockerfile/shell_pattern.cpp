// SPDX-License-Identifier: Apache-2.0
// A pattern is a row of tokens. For every token, from the last to the first, a table says for every place of the text
// where a match of the rest of the pattern from that place ends: one column needs only the column before it.
#include "dockerfile/shell_pattern.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/error.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

struct Token {
  enum class Type : unsigned char { kCharacter, kAny, kStar } type;
  std::string_view character;
};

std::vector<Token> tokens_of(std::string_view pattern) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '*' || c == '?') {
      tokens.push_back({c == '*' ? Token::Type::kStar : Token::Type::kAny, {}});
      ++at;
      continue;
    }
    if (c == '\\') {
      ++at;
      // `}` and `/` are only escaped because of the ${} around the pattern.
      const bool of_braces = at < pattern.size() && (pattern[at] == '}' || pattern[at] == '/');
      if (!of_braces && (at == pattern.size() || std::string_view("*?\\").find(pattern[at]) == std::string_view::npos))
        fail_invalid("invalid escape '\\", pattern.substr(at, at < pattern.size() ? character_width(pattern, at) : 0),
                     "'");
    }
    const std::size_t width = character_width(pattern, at);
    tokens.push_back({Token::Type::kCharacter, pattern.substr(at, width)});
    at += width;
  }
  return tokens;
}

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// For each place of `text` the end of the pattern's match that starts there, the longest or the shortest; kNone.
std::vector<std::size_t> match_ends(std::string_view text, const std::vector<Token>& tokens, bool longest) {
  std::vector<std::size_t> ends(text.size() + 1);
  for (std::size_t at = 0; at <= text.size(); ++at) ends[at] = at;
  auto better = [&](std::size_t a, std::size_t b) {
    if (a == kNone || b == kNone) return a == kNone ? b : a;
    return longest ? std::max(a, b) : std::min(a, b);
  };
  for (auto token = tokens.rbegin(); token != tokens.rend(); ++token) {
    std::vector<std::size_t> next(text.size() + 1, kNone);
    for (std::size_t at = text.size() + 1; at-- > 0;) {
      const std::size_t width = at < text.size() ? character_width(text, at) : 0;
      const bool passable = width > 0 && text[at] != '\n';
      switch (token->type) {
        case Token::Type::kCharacter:
          if (width > 0 && text.substr(at).starts_with(token->character)) next[at] = ends[at + token->character.size()];
          break;
        case Token::Type::kAny:
          if (passable) next[at] = ends[at + width];
          break;
        case Token::Type::kStar: next[at] = better(ends[at], passable ? next[at + width] : kNone); break;
      }
    }
    ends = std::move(next);
  }
  return ends;
}

std::string reversed(std::string_view text) {
  std::string out(text.size(), '\0');
  std::size_t end = text.size();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t width = character_width(text, at);
    end -= width;
    text.copy(out.data() + end, width, at);
    at += width;
  }
  return out;
}

}  // namespace

std::string without_prefix(std::string_view text, std::string_view pattern, bool longest) {
  const std::size_t end = match_ends(text, tokens_of(pattern), longest).front();
  return std::string(text.substr(end == kNone ? 0 : end));
}

std::string without_suffix(std::string_view text, std::string_view pattern, bool longest) {
  auto tokens = tokens_of(pattern);
  std::reverse(tokens.begin(), tokens.end());
  const std::string backwards = reversed(text);
  const std::size_t end = match_ends(backwards, tokens, longest).front();
  return std::string(text.substr(0, text.size() - (end == kNone ? 0 : end)));
}

std::string replaced(std::string_view text, std::string_view pattern, std::string_view word, bool all) {
  const auto ends = match_ends(text, tokens_of(pattern), true);
  std::string out;
  std::size_t last_end = kNone;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = ends[at];
    const bool empty_behind_match = end == at && last_end == at;
    if (end != kNone && !empty_behind_match) {
      out += word;
      last_end = end;
      if (!all) return out.append(text.substr(end));
      if (end > at) {
        at = end;
        continue;
      }
    }
    if (at == text.size()) break;
    const std::size_t width = character_width(text, at);
    out += text.substr(at, width);
    at += width;
  }
  return out;
}

}  // namespace hull::dockerfile
