// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "cli/flags.h"

namespace hull::cli {

// `hull __complete WORD… LAST`: what LAST may become, a line each ("value<TAB>description"), then a line ":N" that
// tells the shell what else to do. The protocol is that of cobra's programs, so that their scripts work, too. Asks the
// engine at most once, and never starts one.
int run_complete(const Options& global, std::span<const std::string_view> words);

// The script that a shell needs: "bash", "zsh" or "fish"; empty for another one.
std::string_view completion_script(std::string_view shell);

}  // namespace hull::cli
