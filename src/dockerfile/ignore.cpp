// SPDX-License-Identifier: Apache-2.0
// For every path each pattern is either looked at or known from the directory above: what matched there matches here.
// As Docker does it, a pattern is only looked at where it could change the answer so far; what was not looked at for a
// directory counts as not matched for what is below it.
#include "dockerfile/ignore.h"

#include <algorithm>

#include "base/error.h"
#include "dockerfile/path_pattern.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

struct IgnoreRules::Compiled {
  struct Rule {
    PathPattern pattern;
    bool exception;
  };
  std::vector<Rule> rules;
  std::vector<std::string> patterns;
  bool has_exceptions = false;

  // `above` null: the top.
  bool match(std::string_view path, std::size_t depth, const std::uint64_t* above, std::uint64_t* below) const;
  void add(std::string_view text);
};

namespace {
constexpr std::size_t kBits = 64;
}

void IgnoreRules::Compiled::add(std::string_view text) {
  text = trim_blanks(text);
  if (text.empty()) return;
  std::string pattern = clean_path(text);
  if (pattern == "!") fail_invalid("illegal exclusion pattern: \"!\"");
  const bool exception = pattern.starts_with('!');
  rules.push_back({PathPattern(std::string_view(pattern).substr(exception ? 1 : 0)), exception});
  has_exceptions |= exception;
  patterns.push_back(std::move(pattern));
}

bool IgnoreRules::Compiled::match(std::string_view path, std::size_t depth, const std::uint64_t* above,
                                  std::uint64_t* below) const {
  bool left_out = false;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = rules[i];
    bool match = above && (above[i / kBits] >> (i % kBits) & 1) != 0;
    if (!match) {
      if (rule.exception != left_out) continue;
      match = rule.pattern.matches(path, depth);
    }
    if (!match) continue;
    left_out = !rule.exception;
    if (below) below[i / kBits] |= std::uint64_t{1} << (i % kBits);
  }
  return left_out;
}

IgnoreRules::IgnoreRules() : compiled_(std::make_unique<Compiled>()) {}
IgnoreRules::IgnoreRules(IgnoreRules&&) noexcept = default;
IgnoreRules& IgnoreRules::operator=(IgnoreRules&&) noexcept = default;
IgnoreRules::~IgnoreRules() = default;

IgnoreRules IgnoreRules::parse(std::string_view text) {
  IgnoreRules out;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  int number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.starts_with('#')) continue;
    line = trim_blanks(line);
    if (line.empty()) continue;
    const bool exception = line.front() == '!';
    if (exception) line = trim_blanks(line.substr(1));
    std::string pattern = line.empty() ? std::string() : clean_path(line);
    if (pattern.size() > 1 && pattern.front() == '/') pattern.erase(0, 1);
    try {
      out.compiled_->add(cat(exception ? "!" : "", pattern));
    } catch (const Error& error) {
      throw error.within(cat("line ", number, " of the ignore file"));
    }
  }
  return out;
}

IgnoreRules IgnoreRules::from_patterns(const std::vector<std::string>& patterns) {
  IgnoreRules out;
  for (const std::string& pattern : patterns) out.compiled_->add(pattern);
  return out;
}

bool IgnoreRules::empty() const { return compiled_->rules.empty(); }
bool IgnoreRules::has_exceptions() const { return compiled_->has_exceptions; }
const std::vector<std::string>& IgnoreRules::patterns() const { return compiled_->patterns; }

bool IgnoreRules::matches(std::string_view path) const {
  const std::size_t words = (compiled_->rules.size() + kBits - 1) / kBits;
  if (words == 0) return false;
  Above above, below(words);
  std::size_t depth = 0;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    std::fill(below.begin(), below.end(), 0);
    compiled_->match(path.substr(0, slash), depth++, above.empty() ? nullptr : above.data(), below.data());
    above = below;
  }
  return compiled_->match(path, depth, above.empty() ? nullptr : above.data(), nullptr);
}

bool IgnoreRules::matches(std::string_view path, const Above& above, Above* below) const {
  const std::size_t words = (compiled_->rules.size() + kBits - 1) / kBits;
  if (words == 0) return false;
  const auto depth = static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
  if (below) below->assign(words, 0);
  return compiled_->match(path, depth, above.empty() ? nullptr : above.data(), below ? below->data() : nullptr);
}

bool IgnoreRules::may_include_below(std::string_view directory) const {
  return std::any_of(compiled_->rules.begin(), compiled_->rules.end(), [&](const Compiled::Rule& rule) {
    return rule.exception && rule.pattern.may_match_below(directory);
  });
}

std::vector<std::string> ignore_files(std::string_view dockerfile) {
  return {cat(dockerfile, ".dockerignore"), ".dockerignore"};
}

}  // namespace hull::dockerfile
