// SPDX-License-Identifier: Apache-2.0
#include "http/query.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "http/message.h"

namespace hull::http {

Query::Query(std::string_view text) {
  if (text.empty()) return;
  for (auto pair : split(text, '&')) {
    if (pair.empty()) continue;
    auto [name, value] = split_once(pair, '=');
    values_.emplace_back(percent_decoded(name, true), percent_decoded(value.value_or(""), true));
  }
}

bool Query::has(std::string_view name) const {
  return std::ranges::any_of(values_, [&](const auto& value) { return value.first == name; });
}

std::string Query::get(std::string_view name) const {
  for (const auto& [key, value] : values_)
    if (key == name) return value;
  return {};
}

std::vector<std::string> Query::all(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [key, value] : values_)
    if (key == name) found.push_back(value);
  return found;
}

bool Query::flag(std::string_view name, bool when_missing) const {
  if (!has(name)) return when_missing;
  std::string value = lower(trim(get(name)));
  return !(value.empty() || value == "0" || value == "no" || value == "false" || value == "none");
}

std::optional<std::int64_t> Query::integer(std::string_view name) const {
  std::string text = get(name);
  if (text.empty()) return std::nullopt;
  auto value = parse_number<std::int64_t>(text);
  if (!value) fail_invalid("invalid value ", hull::quoted(text), " for ", name, ": it must be a whole number");
  return value;
}

std::optional<Timestamp> parse_unix_time(std::string_view text) {
  auto [seconds_text, fraction_text] = split_once(text, '.');
  auto seconds = parse_number<std::int64_t>(seconds_text);
  std::string fraction(fraction_text.value_or("0"));
  fraction.resize(9, '0');
  auto nanoseconds = parse_number<std::int64_t>(fraction);
  constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
  if (!seconds || !nanoseconds || *nanoseconds < 0 || *seconds >= kLimit || *seconds <= -kLimit) return std::nullopt;
  return Timestamp{*seconds * 1'000'000'000 + *nanoseconds};
}

std::optional<Timestamp> Query::time(std::string_view name) const {
  std::string text = get(name);
  if (text.empty()) return std::nullopt;
  if (auto time = parse_rfc3339(text)) return time;
  auto time = parse_unix_time(text);
  if (!time) fail_invalid("invalid value for ", hull::quoted(name), ": ", hull::quoted(text), " is no time in seconds");
  if (time->never()) return std::nullopt;
  return time;
}

}  // namespace hull::http
