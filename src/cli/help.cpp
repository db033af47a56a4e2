// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <algorithm>
#include <cstdlib>

#include "cli/plugins.h"

namespace hull::cli {
namespace {

constexpr std::string_view kCommon[] = {"run",    "exec",  "ps",     "build",  "pull",    "push",
                                        "images", "login", "logout", "search", "version", "info"};

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string two_columns(Rows rows, bool sorted) {
  if (sorted) std::ranges::sort(rows);
  std::size_t width = 10;
  for (const auto& [name, summary] : rows) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, summary] : rows)
    out += cat("  ", name, std::string(width - name.size() + 2, ' '), summary, "\n");
  return out;
}

// Breaks `text` at blanks so that no line is longer than `width`; further lines are indented by `indent`.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  for (std::string_view word : split(text, ' ')) {
    if (column && column + 1 + word.size() > width) {
      out += cat("\n", std::string(indent, ' '));
      column = 0;
    }
    if (column) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string flag_heading(const Flag& flag) {
  std::string heading = flag.letter ? cat("  -", flag.letter, ", --", flag.name) : cat("      --", flag.name);
  if (auto type = type_name(flag); !type.empty()) heading += cat(" ", type);
  return heading;
}

void add_plugins(Rows& groups, std::string& invalid) {
  Rows broken;
  for (const Plugin& plugin : all_plugins()) {
    if (plugin.problem.empty())
      groups.emplace_back(plugin.name + "*", plugin.summary);
    else
      broken.emplace_back(plugin.name, plugin.problem);
  }
  if (!broken.empty()) invalid = "\nInvalid Plugins:\n" + two_columns(broken, true);
}

}  // namespace

std::string_view short_spelling(const Command& command) {
  if (command.name.find(' ') == command.name.npos) return command.name;
  if (!command.spellings.empty())
    for (std::string_view other : split(command.spellings, '|'))
      if (other.find(' ') == other.npos) return other;
  return {};
}

std::vector<std::string> spellings_of(const Command& command) {
  std::vector<std::string> all{cat("hull ", command.name)};
  if (!command.spellings.empty())
    for (std::string_view other : split(command.spellings, '|')) all.push_back(cat("hull ", other));
  return all;
}

std::string flag_meaning(const Flag& flag) {
  std::string help(flag.help);
  if (flag.fallback.empty()) return help;
  bool is_text = flag.kind == FlagKind::kText && flag.type_name.empty();
  return cat(help, " (default ", is_text ? quoted(flag.fallback) : std::string(flag.fallback), ")");
}

std::string flag_table(const FlagSet& flags, unsigned width) {
  std::vector<const Flag*> shown;
  for (auto table : {flags.first, flags.second})
    for (const Flag& flag : table)
      if (!flag.help.empty()) shown.push_back(&flag);
  std::ranges::sort(shown, {}, &Flag::name);
  std::size_t column = 0;
  for (const Flag* flag : shown) column = std::max(column, flag_heading(*flag).size() + 3);
  std::string out;
  for (const Flag* flag : shown) {
    std::string heading = flag_heading(*flag);
    std::size_t room = std::max<std::size_t>(width > column ? width - column : 0, 24);
    out += cat(heading, std::string(column - heading.size(), ' '), wrapped(flag_meaning(*flag), column, room), "\n");
  }
  return out;
}

std::string program_help(unsigned width) {
  Rows common, groups, others;
  const char* hidden = std::getenv("DOCKER_HIDE_LEGACY_COMMANDS");
  const bool hides_old = hidden && *hidden;  // "attach" is "container attach"
  for (auto table : command_tables())
    for (const Command& command : table) {
      std::string_view name = short_spelling(command);
      if (name.empty() || command.summary.empty()) continue;
      bool is_common = std::ranges::find(kCommon, name) != std::end(kCommon);
      if (!is_common && hides_old && command.name != name) continue;
      (is_common ? common : others).emplace_back(name, command.summary);
    }
  std::ranges::sort(common, {}, [](const auto& row) { return std::ranges::find(kCommon, row.first) - kCommon; });
  for (const Group& group : command_groups()) groups.emplace_back(group.name, group.summary);
  std::string invalid;
  add_plugins(groups, invalid);
  return cat("Usage:  hull [OPTIONS] COMMAND\n\nContainers, close to the kernel\n\nCommon Commands:\n",
             two_columns(common, false), "\nManagement Commands:\n", two_columns(groups, true), "\nCommands:\n",
             two_columns(others, true), invalid, "\nGlobal Options:\n", flag_table({global_flags()}, width),
             "\nRun 'hull COMMAND --help' for more information on a command.\n");
}

std::string group_help(const Group& group) {
  Rows rows;
  std::string prefix = cat(group.name, " ");
  for (auto table : command_tables())
    for (const Command& command : table)
      if (command.name.starts_with(prefix) && !command.summary.empty())
        rows.emplace_back(command.name.substr(prefix.size()), command.summary);
  return cat("Usage:  hull ", group.name, " COMMAND\n\n", group.summary, "\n\nCommands:\n", two_columns(rows, true),
             "\nRun 'hull ", group.name, " COMMAND --help' for more information on a command.\n");
}

std::string command_help(const Command& command, std::string_view spelled, unsigned width) {
  std::string text = cat("Usage:  ", spelled, command.synopsis.empty() ? "" : " ", command.synopsis, "\n");
  if (!command.summary.empty()) text += cat("\n", command.summary, "\n");
  if (std::string_view details = command_details(command.name); !details.empty()) text += cat("\n", details, "\n");
  if (!command.spellings.empty()) text += cat("\nAliases:\n  ", join(spellings_of(command), ", "), "\n");
  if (std::string flags = flag_table(command.flags, width); !flags.empty()) text += cat("\nOptions:\n", flags);
  return text;
}

}  // namespace hull::cli
