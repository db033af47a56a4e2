// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/wildcard.h"

#include "dockerfile/path_pattern.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

// A character class behind its "[". Moves `pattern` behind the "]". Empty when malformed.
std::optional<bool> match_class(std::string_view& pattern, std::string_view character) {
  auto take = [&]() -> std::optional<std::string_view> {
    if (pattern.empty() || pattern.front() == '-' || pattern.front() == ']') return std::nullopt;
    if (pattern.front() == '\\') {
      pattern.remove_prefix(1);
      if (pattern.empty()) return std::nullopt;
    }
    const std::string_view one = pattern.substr(0, character_width(pattern, 0));
    pattern.remove_prefix(one.size());
    if (pattern.empty()) return std::nullopt;  // the "]" is still to come
    return one;
  };
  const bool negated = pattern.starts_with('^');
  if (negated) pattern.remove_prefix(1);
  bool matched = false;
  for (int ranges = 0;; ++ranges) {
    if (ranges > 0 && pattern.starts_with(']')) break;
    const auto low = take();
    if (!low) return std::nullopt;
    auto high = low;
    if (pattern.starts_with('-')) {
      pattern.remove_prefix(1);
      if (!(high = take())) return std::nullopt;
    }
    // UTF-8 sorts as the code points do.
    if (*low <= character && character <= *high) matched = true;
  }
  pattern.remove_prefix(1);
  return matched != negated;
}

// One element of the pattern that is no star against the start of `name`; both move on. Empty: malformed.
std::optional<bool> match_one(std::string_view& pattern, std::string_view& name) {
  const std::string_view character = name.empty() ? name : name.substr(0, character_width(name, 0));
  bool matched = false;
  switch (pattern.front()) {
    case '[': {
      pattern.remove_prefix(1);
      const auto in_class = match_class(pattern, character);
      if (!in_class) return std::nullopt;
      matched = *in_class && !name.empty();
      break;
    }
    case '?':
      pattern.remove_prefix(1);
      matched = !name.empty() && name.front() != '/';
      break;
    case '\\':
      pattern.remove_prefix(1);
      if (pattern.empty()) return std::nullopt;
      [[fallthrough]];
    default: {
      const std::size_t width = character_width(pattern, 0);
      matched = !name.empty() && pattern.substr(0, width) == character;
      pattern.remove_prefix(width);
    }
  }
  if (!name.empty()) name.remove_prefix(character.size());
  return matched;
}

bool well_formed(std::string_view pattern) {
  std::string_view nothing;
  while (!pattern.empty()) {
    if (pattern.front() == '*')
      pattern.remove_prefix(1);
    else if (!match_one(pattern, nothing))
      return false;
  }
  return true;
}

}  // namespace

bool has_wildcards(std::string_view pattern) {
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '\\')
      ++at;
    else if (pattern[at] == '*' || pattern[at] == '?' || pattern[at] == '[')
      return true;
  }
  return false;
}

std::optional<bool> matches_wildcard(std::string_view pattern, std::string_view name) {
  if (!well_formed(pattern)) return std::nullopt;
  // The last star and where it began to match: no other one needs to be tried again.
  std::optional<std::string_view> star;
  std::string_view star_name;
  while (true) {
    if (pattern.empty() && name.empty()) return true;
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      star = pattern;
      star_name = name;
      continue;
    }
    std::string_view rest = pattern, behind = name;
    if (!pattern.empty() && *match_one(rest, behind)) {
      pattern = rest;
      name = behind;
      continue;
    }
    if (!star || star_name.empty() || star_name.front() == '/') return false;
    star_name.remove_prefix(character_width(star_name, 0));
    pattern = *star;
    name = star_name;
  }
}

std::string fixed_prefix(std::string_view pattern) {
  std::string out;
  while (!pattern.empty()) {
    const std::size_t slash = pattern.find('/');
    const std::string_view element = pattern.substr(0, slash);
    if (has_wildcards(element) || slash == std::string_view::npos) break;
    if (!element.empty() && element != ".") {
      if (!out.empty()) out += '/';
      out += element;
    }
    pattern.remove_prefix(slash + 1);
  }
  return out;
}

PivotedSource split_pivot(std::string_view source) {
  PivotedSource out;
  const std::size_t pivot = source.find("/./");
  std::string_view base, pattern = source;
  if (pivot != std::string_view::npos) {
    base = source.substr(0, pivot);
    pattern = source.substr(pivot + 3);
  }
  out.required = !has_wildcards(base) && !has_wildcards(pattern);
  out.base = clean_relative(base);
  out.pattern = clean_relative(pattern);
  return out;
}

}  // namespace hull::dockerfile
