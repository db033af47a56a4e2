// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// The patterns of ${name#pattern}, ${name%pattern} and ${name/pattern/word}: `*` any text, `?` one character, both
// without line feeds, `\` in front of `*`, `?` and `\` for the character itself. Time is linear in text times pattern.
// All throw Error{kInvalidArgument} "invalid escape '\x'".
namespace hull::dockerfile {

std::string without_prefix(std::string_view text, std::string_view pattern, bool longest);
std::string without_suffix(std::string_view text, std::string_view pattern, bool longest);
// The leftmost match, as long as possible, becomes `word`; with `all` those behind it too.
std::string replaced(std::string_view text, std::string_view pattern, std::string_view word, bool all);

}  // namespace hull::dockerfile
