// SPDX-License-Identifier: Apache-2.0
// As BSD's setmode(3), which BuildKit follows: clauses are applied from left to right, each to what the one before
// made.
#include "dockerfile/mode.h"

#include "base/error.h"

namespace hull::dockerfile {

namespace {

constexpr std::uint32_t kSetUser = 04000, kSetGroup = 02000, kSticky = 01000;
constexpr std::uint32_t kUser = 0700, kGroup = 0070, kOther = 0007, kExecute = 0111;
constexpr std::uint32_t kStandard = kSetUser | kSetGroup | kUser | kGroup | kOther;
constexpr std::uint32_t kAll = kStandard | kSticky;

std::uint32_t who_bits(char c) {
  switch (c) {
    case 'a': return kStandard;
    case 'u': return kSetUser | kUser;
    case 'g': return kSetGroup | kGroup;
    case 'o': return kOther;
    default: return 0;
  }
}

}  // namespace

ModeChange ModeChange::parse(std::string_view text) {
  ModeChange out;
  if (const auto octal = parse_number<std::uint32_t>(text, 8); octal && *octal <= kAll) {
    out.steps_ = {{'-', kAll}, {'+', *octal}};
    return out;
  }
  const bool looks_octal = !text.empty() && text.front() >= '0' && text.front() <= '9';
  if (looks_octal)
    fail_invalid("invalid chmod parameter: '", text, "'. it should be octal string and between 0 and 07777");
  if (!out.parse_clauses(text))
    fail_invalid("invalid chmod parameter: '", text,
                 "'. it should be octal string and between 0 and 07777, or symbolic like u=rwX,go=rX");
  return out;
}

bool ModeChange::parse_clauses(std::string_view text) {
  bool cleared = false;  // an "=" has taken away what was there before
  auto set = [&](char operation, std::uint32_t who, std::uint32_t bits) {
    if (operation == '=') {
      steps_.push_back({'-', who ? who : kStandard});
      operation = '+';
    }
    steps_.push_back({operation, who ? who & bits : bits});
  };
  while (true) {
    std::uint32_t who = 0;
    while (!text.empty() && who_bits(text.front()) != 0) {
      who |= who_bits(text.front());
      text.remove_prefix(1);
    }
    if (text.empty()) return false;
    do {  // one operation and its permissions
      const char operation = text.front();
      if (operation != '+' && operation != '-' && operation != '=') return false;
      if (operation == '=') cleared = false;
      text.remove_prefix(1);
      who &= ~kSticky;
      const bool only_other = who != 0 && (who & ~kOther) == 0;  // no such thing as set-id for others
      std::uint32_t bits = 0, conditional = 0;
      auto flush = [&](bool at_end) {
        if (bits != 0 || (at_end && operation == '=' && !cleared)) {
          if (operation == '=' && at_end) cleared = true;
          set(operation, who, bits);
          bits = 0;
        }
        if (operation == '=' && !at_end) cleared = true;
        if (conditional != 0) steps_.push_back({'X', who ? who & conditional : conditional});
        conditional = 0;
      };
      for (; !text.empty(); text.remove_prefix(1)) {
        const char c = text.front();
        if (c == 'r') {
          bits |= 0444;
        } else if (c == 'w') {
          bits |= 0222;
        } else if (c == 'x' || (c == 'X' && operation == '-')) {
          bits |= kExecute;
        } else if (c == 'X') {
          conditional = kExecute;
        } else if (c == 's') {
          if (!only_other) bits |= kSetUser | kSetGroup;
        } else if (c == 't') {
          if (!only_other) {
            // "+t" and "=t" without classes concern the sticky bit alone, as far as it is about who.
            who |= kSticky;
            bits |= kSticky;
          }
        } else if (c == 'u' || c == 'g' || c == 'o') {
          flush(false);
          std::uint32_t classes = who ? 0 : kUser | kGroup | kOther;
          if (who & 0400) classes |= kUser;
          if (who & 0040) classes |= kGroup;
          if (who & 0004) classes |= kOther;
          steps_.push_back({c, classes, operation});
        } else {
          break;
        }
      }
      flush(true);
    } while (!text.empty() && text.front() != ',');
    if (text.empty()) return true;
    text.remove_prefix(1);
  }
}

std::uint32_t ModeChange::apply(std::uint32_t mode, bool is_directory) const {
  const bool may_execute = is_directory || (mode & kExecute) != 0;
  std::uint32_t result = mode & kAll;
  for (const Step& step : steps_) {
    switch (step.what) {
      case '+': result |= step.bits; break;
      case '-': result &= ~step.bits; break;
      case 'X':
        if (may_execute) result |= step.bits;
        break;
      default: {
        const std::uint32_t from = step.what == 'u' ? result >> 6 & 7 : step.what == 'g' ? result >> 3 & 7 : result & 7;
        const std::uint32_t everywhere = (from << 6 | from << 3 | from) & step.bits;
        if (step.operation == '=') result &= ~step.bits;
        if (step.operation == '-')
          result &= ~everywhere;
        else
          result |= everywhere;
      }
    }
  }
  return result;
}

}  // namespace hull::dockerfile
