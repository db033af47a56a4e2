// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "settings/load.h"
#include "settings/options.h"

namespace hull::settings {

namespace {

// Flags that are not configuration.
struct OwnFlag {
  std::string_view name;
  char letter;
  bool needs_value;
  std::string_view help;
  void (*take)(CommandLine& line, std::string_view value);
};

constexpr OwnFlag kOwnFlags[] = {
    {"config-file", 0, true, "daemon.json, with the same options (default: /etc/hull/daemon.json)",
     [](CommandLine& line, std::string_view value) {
       line.file = value;
       line.file_given = true;
     }},
    {"validate", 0, false, "Check the configuration and end",
     [](CommandLine& line, std::string_view) { line.validate = true; }},
    {"shim", 0, true, "Path of hull-shim (default: beside hulld)",
     [](CommandLine& line, std::string_view value) { line.shim = value; }},
    {"trace", 0, false, "Log the microseconds of each step of a start",
     [](CommandLine& line, std::string_view) { line.trace = true; }},
    {"version", 'v', false, "Print the version and end",
     [](CommandLine& line, std::string_view) { line.version = true; }},
    {"help", 'h', false, "Print this text and end", [](CommandLine& line, std::string_view) { line.help = true; }},
};

struct Found {
  const Option* option = nullptr;
  const OwnFlag* own = nullptr;
  explicit operator bool() const { return option || own; }
  bool needs_value() const { return option ? !is_switch(*option) : own->needs_value; }
  void take(CommandLine& line, std::string_view value) const {
    if (own) return own->take(line, value);
    read_flag(value, *option, line.settings);
    line.given.emplace(option->key);
  }
};

template <class Fits>
Found find_flag(Fits fits) {
  for (const Option& option : options())
    if (fits(option.flag, option.letter)) return {.option = &option};
  for (const OwnFlag& flag : kOwnFlags)
    if (fits(flag.name, flag.letter)) return {.own = &flag};
  return {};
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& words) : words_(words) {}

  CommandLine parse() {
    for (; at_ < words_.size(); ++at_) {
      std::string_view word = words_[at_];
      if (word.starts_with("--") && word.size() > 2)
        long_flag(word.substr(2));
      else if (word.starts_with('-') && word.size() > 1)
        letters(word.substr(1));
      else
        fail_invalid("accepts no arguments: ", hull::quoted(word), "; see hulld --help");
    }
    return std::move(line_);
  }

 private:
  void long_flag(std::string_view text) {
    auto [name, value] = split_once(text, '=');
    Found flag = find_flag([&, n = name](std::string_view of, char) { return !of.empty() && of == n; });
    if (!flag) fail_invalid("unknown flag: --", name);
    take(flag, value, cat("--", name));
  }

  // "-D", "-Dl debug", "-ldebug", "-l=debug"
  void letters(std::string_view text) {
    while (!text.empty()) {
      char letter = text.front();
      text.remove_prefix(1);
      Found flag = find_flag([&](std::string_view, char of) { return of == letter; });
      if (!flag) fail_invalid("unknown shorthand flag: '", letter, "'");
      std::optional<std::string_view> value;
      if (text.starts_with('='))
        value = text.substr(1);
      else if (flag.needs_value() && !text.empty())
        value = text;
      if (value) text = {};
      take(flag, value, cat('-', letter));
    }
  }

  void take(const Found& flag, std::optional<std::string_view> value, const std::string& spelled) {
    if (!value && flag.needs_value()) {
      if (++at_ == words_.size()) fail_invalid("flag needs an argument: ", spelled);
      value = words_[at_];
    }
    flag.take(line_, value.value_or(""));
  }

  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  CommandLine line_;
};

std::string help_line(std::string_view name, char letter, bool needs_value, std::string_view help) {
  std::string left = letter ? cat("  -", letter, ", --", name) : cat("      --", name);
  if (needs_value) left += " value";
  left.resize(std::max<std::size_t>(left.size() + 2, 42), ' ');
  return cat(left, help, "\n");
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) { return Parser(arguments).parse(); }

std::string help_text() {
  std::string text = "Usage:  hulld [OPTIONS]\n\nhulld, the container engine.\n\nOptions:\n";
  for (const OwnFlag& flag : kOwnFlags) text += help_line(flag.name, flag.letter, flag.needs_value, flag.help);
  std::string accepted;
  for (const Option& option : options()) {
    if (option.flag.empty()) continue;
    bool works = option.effect == Effect::kWorks || option.effect == Effect::kReloads;
    (works ? text : accepted) += help_line(option.flag, option.letter, !is_switch(option), option.help);
  }
  return cat(text, "\nOf dockerd, without effect or refused here (docs/configuration.md says why):\n", accepted);
}

}  // namespace hull::settings
