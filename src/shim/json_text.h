// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hull::shim {

// Appends `text` as the inside of a JSON string, the way Docker's json-file logs have it: \" \\ \n \r, \u00XX for
// other control characters and for < > &, \u2028 and \u2029, and \ufffd for each byte that is not UTF-8.
void append_json_text(std::string& out, std::string_view text);

// The length of the longest beginning of `text` that does not end inside a UTF-8 character.
std::size_t whole_characters(std::string_view text);

}  // namespace hull::shim
