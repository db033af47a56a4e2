// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The words of a Dockerfile instruction.
namespace hull::image {

using Environment = std::vector<std::string>;  // "KEY=value"

// Splits at blanks outside of quotes, takes quotes and backslashes away and puts variables of `environment` in:
// $name, ${name}, ${name:-word}, ${name:+word}. Throws Error{kInvalidArgument} for a quote or brace that stays open.
std::vector<std::string> expand_words(std::string_view text, const Environment& environment);
// The whole text as one word.
std::string expand_text(std::string_view text, const Environment& environment);
// "a=b c='d e'" or, the old way, "a the rest of the line". `instruction` is for the error text.
std::vector<std::pair<std::string, std::string>> expand_pairs(std::string_view instruction, std::string_view text,
                                                              const Environment& environment);

}  // namespace hull::image
