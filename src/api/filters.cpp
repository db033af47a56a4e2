// SPDX-License-Identifier: Apache-2.0
#include "api/filters.h"

#include <regex.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "oci/json.h"

namespace hull::api {

namespace {

// POSIX extended: what people write in a name filter (^/?web$, a|b, x.*) means the same as in Go.
bool matches_regex(const std::string& pattern, std::string_view text) {
  regex_t compiled;
  if (::regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
    fail_invalid("invalid filter: ", hull::quoted(pattern), " is no regular expression");
  bool found = ::regexec(&compiled, std::string(text).c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return found;
}

bool has_label(const std::map<std::string, std::string>& labels, std::string_view wanted) {
  auto [key, value] = split_once(wanted, '=');
  auto found = labels.find(std::string(key));
  return found != labels.end() && (!value || *value == found->second);
}

std::vector<std::string> read_values(const Json& in) {
  std::vector<std::string> values;
  if (in.is_object()) {
    for (const auto& [value, on] : in.items())
      if (!on.is_boolean() || on.get<bool>()) values.push_back(value);
  } else if (in.is_array()) {
    for (const auto& value : in) {
      if (!value.is_string()) fail_invalid("invalid filter: ", value.dump(), " is no text");
      values.push_back(value.get<std::string>());
    }
  } else {
    fail_invalid("invalid filter: ", in.dump(), " is neither an object nor a list");
  }
  return values;
}

Timestamp until_of(const std::string& text) {
  if (auto duration = parse_duration(text)) return {now().nanoseconds - duration->count()};
  if (auto time = parse_rfc3339(text)) return *time;
  if (auto time = http::parse_unix_time(text)) return *time;
  fail_invalid("invalid filter 'until=", text, "': neither a time nor a duration");
}

}  // namespace

Filters::Filters(const http::Query& query, std::initializer_list<std::string_view> allowed) {
  std::string text = query.get("filters");
  if (trim(text).empty()) return;
  Json in = parse_json(text);
  if (in.is_null()) return;
  if (!in.is_object()) fail_invalid("invalid filter: ", text);
  for (const auto& [key, value] : in.items()) {
    if (std::ranges::find(allowed, std::string_view(key)) == allowed.end()) fail_invalid("invalid filter '", key, "'");
    auto values = read_values(value);
    if (!values.empty()) values_[key] = std::move(values);
  }
}

const std::vector<std::string>& Filters::values(std::string_view key) const {
  static const std::vector<std::string> kNone;
  auto found = values_.find(key);
  return found == values_.end() ? kNone : found->second;
}

bool Filters::exact(std::string_view key, std::string_view value) const {
  const auto& wanted = values(key);
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

bool Filters::prefix(std::string_view key, std::string_view value) const {
  const auto& wanted = values(key);
  return wanted.empty() || std::ranges::any_of(wanted, [&](const auto& w) { return value.starts_with(w); });
}

bool Filters::pattern(std::string_view key, std::string_view value) const {
  const auto& wanted = values(key);
  return wanted.empty() ||
         std::ranges::any_of(wanted, [&](const auto& w) { return w == value || matches_regex(w, value); });
}

bool Filters::labels(const std::map<std::string, std::string>& labels) const {
  return std::ranges::all_of(values("label"), [&](const auto& w) { return has_label(labels, w); }) &&
         std::ranges::none_of(values("label!"), [&](const auto& w) { return has_label(labels, w); });
}

std::optional<bool> Filters::flag(std::string_view key) const {
  const auto& wanted = values(key);
  if (wanted.empty()) return std::nullopt;
  bool yes = false, no = false;
  for (const auto& value : wanted) {
    if (value == "1" || value == "true")
      yes = true;
    else if (value == "0" || value == "false")
      no = true;
    else
      fail_invalid("invalid filter '", key, "=", value, "'");
  }
  if (yes && no) fail_invalid("invalid filter '", key, "': it cannot be both true and false");
  return yes;
}

std::optional<Timestamp> Filters::until() const {
  if (values("until").size() > 1) fail_invalid("invalid filter 'until': more than one until filter specified");
  return earliest_until();
}

std::optional<Timestamp> Filters::earliest_until() const {
  std::optional<Timestamp> earliest;
  for (const std::string& text : values("until"))
    if (Timestamp time = until_of(text); !earliest || time < *earliest) earliest = time;
  return earliest;
}

}  // namespace hull::api
