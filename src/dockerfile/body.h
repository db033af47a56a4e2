// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/instruction.h"

namespace hull::dockerfile {

// One instruction, split: its word, its flags ("--mount=…", without quotes), and the text behind them.
struct Request {
  std::string keyword;  // in capital letters
  char escape = '\\';
  std::vector<std::string> flags;
  std::string_view arguments;
  std::string_view original;
  std::vector<Heredoc> heredocs;
};

// `text` has no blanks at its ends. The request points into it.
Request split_request(std::string_view text, char escape);

// Why an instruction is none; `word` is the part of it that is wrong ("": all of it).
struct Problem {
  std::string reason, word;
};

// RUN, COPY and ADD in shell form, also behind ONBUILD.
bool may_have_heredocs(const Request& request);

// Throws Problem.
Body parse_body(const Request& request);

// All instructions' words, in capital letters.
const std::vector<std::string_view>& instruction_names();

}  // namespace hull::dockerfile
