// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/size.h"

namespace hull::cli {

std::optional<bool> parse_bool(std::string_view text) {
  for (std::string_view word : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == word) return true;
  for (std::string_view word : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == word) return false;
  return std::nullopt;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    rows[i][0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      rows[i][j] = std::min({rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]), rows[i - 1][j] + 1, rows[i][j - 1] + 1});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

namespace {

bool is_decimal(std::string_view text) {
  double number;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size();
}

std::string shown(const Flag& flag) {
  return flag.letter ? cat('-', flag.letter, ", --", flag.name) : cat("--", flag.name);
}

[[noreturn]] void refuse(const Flag& flag, std::string_view value, std::string_view reason) {
  fail_invalid("invalid argument ", quoted(value), " for ", quoted(shown(flag)), " flag: ", reason);
}

void validate(const Flag& flag, std::string_view value) {
  switch (flag.kind) {
    case FlagKind::kBool:
      if (!parse_bool(value))
        refuse(flag, value, cat("strconv.ParseBool: parsing ", quoted(value), ": invalid syntax"));
      break;
    case FlagKind::kInteger:
      if (!parse_number<std::int64_t>(value.starts_with('+') ? value.substr(1) : value))
        refuse(flag, value, cat("strconv.ParseInt: parsing ", quoted(value), ": invalid syntax"));
      break;
    case FlagKind::kDecimal:
      if (!is_decimal(value)) refuse(flag, value, cat("failed to parse ", value, " as a rational number"));
      break;
    case FlagKind::kDuration:
      if (!parse_duration(value)) refuse(flag, value, cat("time: invalid duration ", quoted(value)));
      break;
    case FlagKind::kBytes:
      if (value != "-1" && !parse_size(value)) refuse(flag, value, cat("invalid size: '", value, "'"));
      break;
    case FlagKind::kText:
    case FlagKind::kList: break;
  }
  if (!flag.validate) return;
  try {
    flag.validate(value);
  } catch (const Error& e) {
    refuse(flag, value, e.message());
  }
}

// The flag that was probably meant.
std::string suggestion(const FlagSet& flags, std::string_view typed) {
  std::string_view best;
  std::size_t least = typed.size() > 4 ? 3 : 2;
  if (edit_distance("help", typed) < least) best = "help";
  for (auto table : {flags.first, flags.second})
    for (const Flag& flag : table)
      if (std::size_t distance = edit_distance(flag.name, typed); !flag.help.empty() && distance < least) {
        least = distance;
        best = flag.name;
      }
  return best.empty() ? std::string() : cat("\n\nDid you mean this?\n\t--", best);
}

}  // namespace

std::string_view type_name(const Flag& flag) {
  static constexpr std::string_view kNames[] = {"", "string", "int", "decimal", "duration", "bytes", "list"};
  return flag.type_name.empty() ? kNames[static_cast<int>(flag.kind)] : flag.type_name;
}

const Flag* FlagSet::find(std::string_view name) const {
  for (auto table : {first, second})
    for (const Flag& flag : table)
      if (flag.name == name || (!flag.other_name.empty() && flag.other_name == name)) return &flag;
  // Every command has it; hidden, because the text that it prints says so little of it.
  static constexpr Flag kHelp = {"help", 0, FlagKind::kBool, ""};
  return name == kHelp.name ? &kHelp : nullptr;
}

const Flag* FlagSet::find(char letter) const {
  for (auto table : {first, second})
    for (const Flag& flag : table)
      if (flag.letter == letter) return &flag;
  return nullptr;
}

void Options::parse(std::span<const std::string_view> words, bool interspersed) {
  for (std::size_t at = 0; at < words.size();) {
    std::string_view word = words[at];
    if (word == "--") {
      arguments.insert(arguments.end(), words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
      return;
    }
    if (word.starts_with("--")) {
      at = parse_long(words, at);
    } else if (word.size() > 1 && word[0] == '-') {
      at = parse_short(words, at);
    } else if (interspersed) {
      arguments.emplace_back(word);
      ++at;
    } else {
      arguments.insert(arguments.end(), words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
      return;
    }
  }
}

std::size_t Options::parse_long(std::span<const std::string_view> words, std::size_t at) {
  auto [name, value] = split_once(words[at].substr(2), '=');
  if (name.empty() || name[0] == '-') fail_invalid("bad flag syntax: ", words[at]);
  const Flag* flag = flags_.find(name);
  if (!flag) fail_invalid("unknown flag: --", name, suggestion(flags_, name));
  if (value) {
    add(*flag, *value);
  } else if (flag->kind == FlagKind::kBool) {
    add(*flag, "true");
  } else if (at + 1 < words.size()) {
    add(*flag, words[++at]);
  } else {
    fail_invalid("flag needs an argument: --", name);
  }
  return at + 1;
}

std::size_t Options::parse_short(std::span<const std::string_view> words, std::size_t at) {
  for (std::string_view rest = words[at].substr(1); !rest.empty();) {
    const Flag* flag = flags_.find(rest[0]);
    if (!flag) fail_invalid("unknown shorthand flag: '", rest.substr(0, 1), "' in ", words[at]);
    std::string_view value = rest.substr(1);
    if (value.starts_with('=')) {
      add(*flag, value.substr(1));
    } else if (flag->kind == FlagKind::kBool) {
      add(*flag, "true");
      rest.remove_prefix(1);
      continue;
    } else if (!value.empty()) {
      add(*flag, value);
    } else if (at + 1 < words.size()) {
      add(*flag, words[++at]);
    } else {
      fail_invalid("flag needs an argument: '", rest.substr(0, 1), "' in ", words[at]);
    }
    break;
  }
  return at + 1;
}

void Options::add(const Flag& flag, std::string_view value) {
  validate(flag, value);
  given_.push_back({&flag, std::string(value)});
}

const Flag& Options::declared(std::string_view name) const {
  const Flag* flag = flags_.find(name);
  if (!flag) fail(Kind::kInternal, "the command has no flag --", name);
  return *flag;
}

bool Options::given(std::string_view name) const {
  const Flag& flag = declared(name);
  for (const Given& one : given_)
    if (one.flag == &flag) return true;
  return false;
}

bool Options::is_set(std::string_view name) const { return parse_bool(text(name)).value_or(false); }

std::string Options::text(std::string_view name) const {
  const Flag& flag = declared(name);
  for (auto one = given_.rbegin(); one != given_.rend(); ++one)
    if (one->flag == &flag) return one->value;
  return std::string(flag.fallback);
}

std::int64_t Options::integer(std::string_view name) const {
  std::string value = text(name);
  return parse_number<std::int64_t>(value.starts_with('+') ? std::string_view(value).substr(1) : value).value_or(0);
}

std::int64_t Options::bytes(std::string_view name) const {
  std::string value = text(name);
  return value == "-1" ? -1 : parse_size(value).value_or(0);
}

std::int64_t Options::nanoseconds(std::string_view name) const {
  return parse_duration(text(name)).value_or(std::chrono::nanoseconds(0)).count();
}

std::vector<std::string> Options::list(std::string_view name) const {
  const Flag& flag = declared(name);
  std::vector<std::string> values;
  for (const Given& one : given_)
    if (one.flag == &flag) values.push_back(one.value);
  return values;
}

}  // namespace hull::cli
