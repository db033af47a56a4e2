// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/query.h"

namespace hull::api {

// The `filters` of a list: values of one key are alternatives (but labels must all fit), keys must all fit. A key that
// was not given lets everything pass.
class Filters {
 public:
  // Reads {"key":{"value":true}} and {"key":["value"]}. Error{kInvalidArgument} for anything else and for keys
  // that are not in `allowed`.
  Filters(const http::Query& query, std::initializer_list<std::string_view> allowed);
  Filters() = default;  // none

  void add(const std::string& key, const std::string& value) { values_[key].push_back(value); }

  bool has(std::string_view key) const { return !values(key).empty(); }
  const std::vector<std::string>& values(std::string_view key) const;
  bool exact(std::string_view key, std::string_view value) const;
  bool prefix(std::string_view key, std::string_view value) const;   // a value of the filter begins `value`
  bool pattern(std::string_view key, std::string_view value) const;  // unanchored regular expressions
  // "label" and "label!": `k` or `k=v`.
  bool labels(const std::map<std::string, std::string>& labels) const;
  // Only 0, 1, true and false are booleans here.
  std::optional<bool> flag(std::string_view key) const;
  // "until": a time, or a duration before now. Empty when it was not given.
  std::optional<Timestamp> until() const;
  std::optional<Timestamp> earliest_until() const;  // of several

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

}  // namespace hull::api
