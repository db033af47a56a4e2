// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/path_pattern.h"

#include <algorithm>

#include "base/error.h"
#include "dockerfile/wildcard.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

// The character class that starts at `at`, brackets included.
std::string_view take_class(std::string_view pattern, std::size_t at) {
  std::size_t end = at + 1;
  if (end < pattern.size() && pattern[end] == '^') ++end;
  for (bool first = true; end < pattern.size() && (first || pattern[end] != ']'); first = false)
    end += pattern[end] == '\\' ? 2 : 1;
  return pattern.substr(at, end + 1 - at);
}

bool class_is_ordered(std::string_view text) {
  // "[z-a]" is malformed for the ignore rules, though not for filepath.Match.
  for (std::size_t at = 2; at + 2 < text.size(); ++at)
    if (text[at] == '-' && text[at - 1] != '\\' && text[at + 1] != '\\' &&
        static_cast<unsigned char>(text[at - 1]) > static_cast<unsigned char>(text[at + 1]))
      return false;
  return true;
}

}  // namespace

PathPattern::PathPattern(std::string_view pattern) {
  if (!matches_wildcard(pattern, ".")) fail_invalid("syntax error in pattern ", quoted(pattern));
  compile(pattern);
  depth_ = static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '/'));
}

void PathPattern::compile(std::string_view pattern) {
  auto text = [&]() -> std::string& {
    if (tokens_.empty() || tokens_.back().type != Token::Type::kText) tokens_.push_back({Token::Type::kText, {}});
    return tokens_.back().text;
  };
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '*' && pattern.substr(at, 2) == "**") {
      const bool leads = at == 0;
      inside_element_ |= !leads && pattern[at - 1] != '/';
      at += 2;
      if (at < pattern.size() && pattern[at] == '/') ++at;
      any_depth_ = true;
      const bool ends = at == pattern.size();
      if (ends && kind_ == Kind::kExact)
        kind_ = Kind::kPrefix;
      else
        kind_ = Kind::kGeneral;
      if (leads) kind_ = Kind::kSuffix;
      tokens_.push_back({ends ? Token::Type::kAll : Token::Type::kParents, {}});
      continue;
    }
    if (c == '*' || c == '?') {
      tokens_.push_back({c == '*' ? Token::Type::kStar : Token::Type::kOne, {}});
      kind_ = Kind::kGeneral;
      ++at;
      continue;
    }
    if (c == '[') {
      const std::string_view whole = take_class(pattern, at);
      if (!class_is_ordered(whole)) fail_invalid("syntax error in pattern ", quoted(pattern));
      tokens_.push_back({Token::Type::kClass, std::string(whole)});
      // A class matches "/" as well, as in a regular expression.
      any_depth_ = true;
      kind_ = Kind::kGeneral;
      at += whole.size();
      continue;
    }
    if (c == '\\') {
      ++at;
      kind_ = Kind::kGeneral;
    }
    const std::size_t width = character_width(pattern, at);
    text() += pattern.substr(at, width);
    at += width;
  }
  switch (kind_) {
    case Kind::kExact: first_ = pattern; break;
    case Kind::kPrefix: first_ = pattern.substr(0, pattern.size() - 2); break;
    case Kind::kSuffix: last_ = pattern.substr(2); break;
    case Kind::kGeneral:
      if (tokens_.front().type == Token::Type::kText) first_ = tokens_.front().text;
      if (tokens_.back().type == Token::Type::kText) last_ = tokens_.back().text;
      break;
  }
}

bool PathPattern::matches(std::string_view path) const {
  return matches(path, static_cast<std::size_t>(std::count(path.begin(), path.end(), '/')));
}

bool PathPattern::matches(std::string_view path, std::size_t depth) const {
  if (!any_depth_ && depth != depth_) return false;
  switch (kind_) {
    case Kind::kExact: return path == first_;
    case Kind::kPrefix: return path.starts_with(first_);
    case Kind::kSuffix:
      return path.ends_with(last_) || (last_.starts_with('/') && path == std::string_view(last_).substr(1));
    case Kind::kGeneral:
      return path.starts_with(first_) && path.ends_with(last_) &&
             (inside_element_ ? matches_table(path) : matches_tokens(path));
  }
  return false;
}

bool PathPattern::matches_tokens(std::string_view path) const {
  // Where to go on after a failure: the last `*`, which may take one more character, and the last `**`, which may take
  // one more element. Earlier ones need not be tried again, as every `**` here starts where an element does.
  struct Retry {
    std::size_t token = 0;
    std::string_view path;
    bool possible = false;
  };
  Retry star, parents;
  std::size_t token = 0;
  while (true) {
    if (token == tokens_.size()) {
      if (path.empty()) return true;
    } else {
      const Token& one = tokens_[token];
      const std::size_t width = path.empty() ? 0 : character_width(path, 0);
      switch (one.type) {
        case Token::Type::kAll: return true;
        case Token::Type::kStar: star = {++token, path, true}; continue;
        case Token::Type::kParents:
          parents = {++token, path, true};
          star.possible = false;
          continue;
        case Token::Type::kText:
          if (!path.starts_with(one.text)) break;
          path.remove_prefix(one.text.size());
          ++token;
          continue;
        case Token::Type::kOne:
          if (width == 0 || path.front() == '/') break;
          path.remove_prefix(width);
          ++token;
          continue;
        case Token::Type::kClass:
          if (width == 0 || !*matches_wildcard(one.text, path.substr(0, width))) break;
          path.remove_prefix(width);
          ++token;
          continue;
      }
    }
    if (star.possible && !star.path.empty() && star.path.front() != '/') {
      star.path.remove_prefix(character_width(star.path, 0));
      token = star.token;
      path = star.path;
      continue;
    }
    const std::size_t slash = parents.possible ? parents.path.find('/') : std::string_view::npos;
    if (slash == std::string_view::npos) return false;
    parents.path.remove_prefix(slash + 1);
    star.possible = false;
    token = parents.token;
    path = parents.path;
  }
}

// All places that can be reached, token by token.
bool PathPattern::matches_table(std::string_view path) const {
  std::vector<char> places(path.size() + 1), next;
  places[0] = 1;
  for (const Token& token : tokens_) {
    next.assign(path.size() + 1, 0);
    bool any = false;
    for (std::size_t at = 0; at <= path.size(); ++at) {
      const std::size_t width = at < path.size() ? character_width(path, at) : 0;
      any |= places[at] != 0;
      switch (token.type) {
        case Token::Type::kAll:
          if (places[at]) return true;
          break;
        case Token::Type::kParents:
          next[at] |= static_cast<char>(places[at] || (any && at > 0 && path[at - 1] == '/'));
          break;
        case Token::Type::kStar:
          next[at] |= places[at];
          if (next[at] && width > 0 && path[at] != '/') next[at + width] = 1;
          break;
        case Token::Type::kText:
          if (places[at] && path.substr(at).starts_with(token.text)) next[at + token.text.size()] = 1;
          break;
        case Token::Type::kOne:
          if (places[at] && width > 0 && path[at] != '/') next[at + width] = 1;
          break;
        case Token::Type::kClass:
          if (places[at] && width > 0 && *matches_wildcard(token.text, path.substr(at, width))) next[at + width] = 1;
          break;
      }
    }
    places.swap(next);
  }
  return places[path.size()] != 0;
}

bool PathPattern::may_match_below(std::string_view directory) const {
  auto below = [&](std::string_view path) {
    return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
  };
  if (kind_ == Kind::kExact) return below(first_);
  if (kind_ == Kind::kSuffix) return true;
  if (below(first_)) return true;
  // The text before the first wildcard ends in or above the directory: the wildcard may match what is between.
  return directory.starts_with(first_) || cat(directory, "/") == first_;
}

namespace {

std::string join_elements(const std::vector<std::string_view>& elements) {
  std::string out;
  for (std::string_view element : elements) {
    if (!out.empty()) out += '/';
    out += element;
  }
  return out;
}

std::vector<std::string_view> clean_elements(std::string_view path, bool rooted) {
  std::vector<std::string_view> out;
  for (std::string_view element : split(path, '/')) {
    if (element.empty() || element == ".") continue;
    if (element != "..") {
      out.push_back(element);
    } else if (!out.empty() && out.back() != "..") {
      out.pop_back();
    } else if (!rooted) {
      out.push_back(element);
    }
  }
  return out;
}

}  // namespace

std::string clean_path(std::string_view path) {
  const bool rooted = path.starts_with('/');
  const std::string clean = join_elements(clean_elements(path, rooted));
  if (rooted) return cat("/", clean);
  return clean.empty() ? "." : clean;
}

std::string clean_relative(std::string_view path) { return join_elements(clean_elements(path, true)); }

}  // namespace hull::dockerfile
