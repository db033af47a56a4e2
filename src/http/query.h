// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace hull::http {

// The query of a request, decoded. The first value of a name counts, as with Go's FormValue.
class Query {
 public:
  explicit Query(std::string_view text = {});  // Error{kInvalidArgument} for broken escapes

  bool has(std::string_view name) const;
  std::string get(std::string_view name) const;  // "" when it is missing
  std::vector<std::string> all(std::string_view name) const;
  // "", "0", "no", "false" and "none" (trimmed, any case) are false, everything else is true.
  bool flag(std::string_view name, bool when_missing = false) const;
  std::optional<std::int64_t> integer(std::string_view name) const;  // Error{kInvalidArgument} when it is no integer
  // "1700000000", "1700000000.123456789", RFC 3339 too. Empty for a missing one and for 0.
  std::optional<Timestamp> time(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

// "1700000000", "1700000000.123456789". Empty for anything else.
std::optional<Timestamp> parse_unix_time(std::string_view text);

}  // namespace hull::http
