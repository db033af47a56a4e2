// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Sizes and durations as people write and read them, in the forms that Docker's users know.
namespace hull::cli {

// Decimal units, `digits` significant: "1.23MB", "72.8kB", "0B".
std::string decimal_size(double bytes, int digits = 4);
// Binary units, `digits` significant: "1.5MiB".
std::string binary_size(double bytes, int digits = 4);

// printf("%.*g"), in the form that Go gives it: exponents have at least two digits, as in C.
std::string significant(double number, int digits);
// printf("%.*f").
std::string fixed(double number, int decimals);

// "Less than a second", "About an hour", "3 weeks": the words of `ps`.
std::string human_duration(std::int64_t seconds);

}  // namespace hull::cli
