// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "dockerfile/source.h"
#include "oci/json.h"

// The pieces that the JSON of `--call` is made of. Heavy: for the .cpp files that write it.
namespace hull::dockerfile {

// RFC 4648, with padding: Go's JSON of bytes.
inline std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

// BuildKit's protocol has one range per line.
inline Json location(Lines lines) {
  Json ranges = Json::array();
  for (int line = lines.first; line <= lines.last && line > 0; ++line) {
    const Json place = {{"line", line}};
    ranges.push_back({{"start", place}, {"end", place}});
  }
  Json out = Json::object();
  if (!ranges.empty()) out["ranges"] = std::move(ranges);
  return out;
}

inline std::string pretty(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace hull::dockerfile
