// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

// --help texts, laid out as docker's.
namespace hull::cli {

std::string program_help(unsigned width);  // lists plug-ins, too
std::string group_help(const Group& group);
std::string command_help(const Command& command, std::string_view spelled, unsigned width);

// The flags with their types and meanings, wrapped at `width`.
std::string flag_table(const FlagSet& flags, unsigned width);
// What a flag does, with its default.
std::string flag_meaning(const Flag& flag);

// The one-word spelling of a command; "" when it has none.
std::string_view short_spelling(const Command& command);
// All spellings, "hull container ls" and "hull ps", the full one first.
std::vector<std::string> spellings_of(const Command& command);
// More about a command than its summary; "" for most.
std::string_view command_details(std::string_view name);

}  // namespace hull::cli
