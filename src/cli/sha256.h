// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hull::cli {

// SHA-256 (FIPS 180-4) of a short text, in hexadecimal digits. Ours, because a library for it would double the program.
std::string sha256_hex(std::string_view text);

}  // namespace hull::cli
