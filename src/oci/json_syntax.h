// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hull {

// What is wrong with a text that is no JSON, in the words of Go's encoding/json, which clients of Docker's API know:
// "invalid character 'x' looking for beginning of value", "unexpected EOF". For texts that a parser has refused; ""
// when nothing is found (RFC 8259).
std::string json_syntax_error(std::string_view text);

}  // namespace hull
