// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "cli/command.h"

// What is generated from the tables of commands: pages for man(1), and the reference in docs/reference.
namespace hull::cli {

// hull-container-ls.1, in roff. See man(7).
std::string man_page(const Command& command);
// A group of commands, or hull itself ("" for its name).
std::string group_man_page(std::string_view name, std::string_view summary, std::span<const Command> commands);

// A chapter on a command.
std::string markdown_of(const Command& command);

// Writes a page for each command into `directory`, as `form` ("man", "markdown") says.
void write_documents(const std::string& directory, std::string_view form, std::string_view group,
                     std::string_view summary, std::span<const Command> commands);

}  // namespace hull::cli
