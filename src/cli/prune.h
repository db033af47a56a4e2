// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace hull::cli {

// Asks "[y/N]" after `warning`; true without asking when --force was given.
bool confirmed(const Options& options, std::string_view warning);
// POST /<objects>/prune after a confirmation; says what was deleted and how much space that gave.
int prune_objects(Invocation& call, std::string_view objects, std::string_view warning,
                  std::vector<std::string> filters = {});
// The same without question and total; gives the bytes.
std::int64_t prune_quietly(Client& client, std::string_view objects, const std::vector<std::string>& filters);

}  // namespace hull::cli
