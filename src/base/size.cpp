// SPDX-License-Identifier: Apache-2.0
#include "base/size.h"

#include <charconv>

#include "base/text.h"

namespace hull {

std::optional<std::int64_t> parse_size(std::string_view text, int unit) {
  constexpr std::string_view kPrefixes = "kmgtp";
  constexpr double kLargest = 9e18;
  double value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (code != std::errc() || value < 0) return std::nullopt;
  std::string suffix = lower(text.substr(static_cast<std::size_t>(end - text.data())));
  if (suffix.starts_with(' ')) suffix.erase(0, 1);
  if (suffix.ends_with('b')) suffix.pop_back();
  if (suffix.size() == 2 && suffix[1] == 'i') suffix.pop_back();
  if (suffix.size() > 1) return std::nullopt;
  if (!suffix.empty()) {
    auto power = kPrefixes.find(suffix[0]);
    if (power == kPrefixes.npos) return std::nullopt;
    for (std::size_t i = 0; i <= power; ++i) value *= unit;
  }
  if (!(value < kLargest)) return std::nullopt;  // "inf" and "nan" as well
  return static_cast<std::int64_t>(value);
}

}  // namespace hull
