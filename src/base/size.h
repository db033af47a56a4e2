// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hull {

// "64m", "1.5 GiB", "67108864": k, m, g, t and p are powers of `unit`, and a "b" or "ib" behind them says nothing more.
// Sizes everywhere, as Docker's tools read them. Empty for anything else. (A file of its own: hull-shim does without
// numbers that have a point.)
std::optional<std::int64_t> parse_size(std::string_view text, int unit = 1024);

}  // namespace hull
