// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "cli/command.h"

namespace hull::cli {
namespace {

constexpr std::size_t kNear = 2;  // edits that a mistyped word may need

// Calls use(command, spelling) for every spelling of every command that shows in help.
template <class Use>
void for_each_spelling(Use use) {
  for (auto table : command_tables())
    for (const Command& command : table) {
      use(command, command.name);
      if (!command.spellings.empty())
        for (std::string_view other : split(command.spellings, '|')) use(command, other);
    }
}

}  // namespace

std::span<const std::span<const Command>> command_tables() {
  static const std::array kTables = {container_commands(), object_commands(), system_commands(), client_commands()};
  return kTables;
}

const Command* find_command(std::string_view words) {
  const Command* found = nullptr;
  for_each_spelling([&](const Command& command, std::string_view spelling) {
    if (spelling == words) found = &command;
  });
  return found;
}

const Group* find_group(std::string_view name) {
  auto groups = command_groups();
  auto found = std::ranges::find(groups, name, &Group::name);
  return found == groups.end() ? nullptr : &*found;
}

bool is_command_name(std::string_view word) { return find_group(word) || find_command(word); }

std::vector<std::string> similar_commands(std::string_view group, std::string_view typed) {
  std::vector<std::string> found, longer;
  std::size_t least = kNear;
  auto consider = [&](std::string_view spelling) {
    auto blank = spelling.find(' ');
    std::string_view of = blank == spelling.npos ? std::string_view() : spelling.substr(0, blank);
    std::string name(blank == spelling.npos ? spelling : spelling.substr(blank + 1));
    if (of != group) return;
    std::size_t distance = edit_distance(name, typed);
    if (distance < least) found.clear();
    if (distance <= least) {
      least = distance;
      found.push_back(name);
    } else if (name.starts_with(typed)) {
      longer.push_back(name);
    }
  };
  for_each_spelling([&](const Command& command, std::string_view spelling) {
    if (!command.summary.empty()) consider(spelling);
  });
  if (group.empty())
    for (const Group& one : command_groups()) consider(one.name);
  found.insert(found.end(), longer.begin(), longer.end());
  return found;
}

}  // namespace hull::cli
