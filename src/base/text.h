// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace hull {

namespace text_detail {
template <class Number>
using Wide = std::conditional_t<std::is_signed_v<Number>, long long, unsigned long long>;

inline void append(std::string& out, std::string_view part) { out += part; }
inline void append(std::string& out, char part) { out += part; }
template <std::integral Number>
void append(std::string& out, Number part) {
  if constexpr (std::same_as<Number, bool>) {
    out += part ? "true" : "false";
    return;
  }
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, static_cast<Wide<Number>>(part)).ptr;
  out.append(digits, end);
}
}  // namespace text_detail

// Puts strings, characters, booleans and integers together. The one formatter of the rooms that end up in
// the small static binaries, where {fmt} would double the size.
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (text_detail::append(out, parts), ...);
  return out;
}

// "a:b:c" split at every separator; an empty text is one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
// The two sides of the first separator; the second side is empty optional when there is none.
std::pair<std::string_view, std::optional<std::string_view>> split_once(std::string_view text, char separator);
// Parts of a temporary would be read when it is gone.
template <class Text>
concept TemporaryText = std::same_as<std::remove_const_t<Text>, std::string>;
template <TemporaryText Text>
std::vector<std::string_view> split(Text&& text, char separator) = delete;
template <TemporaryText Text>
std::pair<std::string_view, std::optional<std::string_view>> split_once(Text&& text, char separator) = delete;
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);                       // blanks, tabs, CR, LF at both ends
std::string lower(std::string_view text);                           // ASCII only
std::string upper(std::string_view text);                           // ASCII only
bool equals_ignoring_case(std::string_view a, std::string_view b);  // ASCII only
std::string percent_encoded(std::string_view text);                 // all but letters, digits and -_.~ (RFC 3986, 2.3)
std::string quoted(std::string_view text);  // "text" with \" \\ \n \t \xNN escapes, for error messages
// The same for a std::string: without it, std::quoted() of <iomanip> would be the better match by argument-dependent
// look-up.
inline std::string quoted(const std::string& text) { return quoted(std::string_view(text)); }
inline std::string quoted(const char* text) { return quoted(std::string_view(text)); }

// A whole integer and nothing else (no blanks, no trailing text); empty when it does not fit.
template <std::integral Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number value{};
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string to_hex(const void* bytes, std::size_t size);

}  // namespace hull
