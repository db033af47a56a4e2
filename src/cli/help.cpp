// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/command.h"

namespace hull::cli {
namespace {

constexpr std::string_view kCommon[] = {"run", "exec", "ps", "images", "version", "info"};

// The one-word spelling of a command, when it has one.
std::string_view short_spelling(const Command& command) {
  if (command.name.find(' ') == command.name.npos) return command.name;
  if (!command.spellings.empty())
    for (std::string_view other : split(command.spellings, '|'))
      if (other.find(' ') == other.npos) return other;
  return {};
}

std::string two_columns(std::vector<std::pair<std::string, std::string_view>> rows, bool sorted) {
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
    std::string heading = flag_heading(*flag), help(flag->help);
    if (!flag->fallback.empty())
      help += flag->kind == FlagKind::kText ? cat(" (default ", quoted(flag->fallback), ")")
                                            : cat(" (default ", flag->fallback, ")");
    std::size_t room = std::max<std::size_t>(width > column ? width - column : 0, 24);
    out += cat(heading, std::string(column - heading.size(), ' '), wrapped(help, column, room), "\n");
  }
  return out;
}

}  // namespace

std::string program_help() {
  std::vector<std::pair<std::string, std::string_view>> common, groups, others;
  for (auto table : {container_commands(), object_commands(), system_commands()})
    for (const Command& command : table) {
      std::string_view name = short_spelling(command);
      if (name.empty()) continue;
      bool is_common = std::ranges::find(kCommon, name) != std::end(kCommon);
      (is_common ? common : others).emplace_back(name, command.summary);
    }
  std::ranges::sort(common, {}, [](const auto& row) { return std::ranges::find(kCommon, row.first) - kCommon; });
  for (const Group& group : command_groups()) groups.emplace_back(group.name, group.summary);
  return cat("Usage:  hull [OPTIONS] COMMAND\n\nContainers, close to the kernel\n\nCommon Commands:\n",
             two_columns(common, false), "\nManagement Commands:\n", two_columns(groups, true), "\nCommands:\n",
             two_columns(others, true),
             "\nGlobal Options:\n"
             "  -H, --host string        Socket of the engine (unix:///path or tcp://address:port)\n"
             "  -v, --version            Print the version and quit\n"
             "      --help               Print this text\n"
             "\nRun 'hull COMMAND --help' for more information on a command.\n");
}

std::string group_help(const Group& group) {
  std::vector<std::pair<std::string, std::string_view>> rows;
  std::string prefix = cat(group.name, " ");
  for (auto table : {container_commands(), object_commands(), system_commands()})
    for (const Command& command : table)
      if (command.name.starts_with(prefix)) rows.emplace_back(command.name.substr(prefix.size()), command.summary);
  return cat("Usage:  hull ", group.name, " COMMAND\n\n", group.summary, "\n\nCommands:\n", two_columns(rows, true),
             "\nRun 'hull ", group.name, " COMMAND --help' for more information on a command.\n");
}

std::string command_help(const Command& command, std::string_view spelled, unsigned width) {
  std::string text = cat("Usage:  ", spelled, " ", command.synopsis, "\n\n", command.summary, "\n");
  if (!command.spellings.empty()) {
    text += cat("\nAliases:\n  hull ", command.name);
    for (std::string_view other : split(command.spellings, '|')) text += cat(", hull ", other);
    text += "\n";
  }
  if (std::string flags = flag_table(command.flags, width); !flags.empty()) text += cat("\nOptions:\n", flags);
  return text;
}

}  // namespace hull::cli
