// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/api_version.h"

namespace hull::api {

// A version of the Engine API.
struct Version {
  int major = 1, minor = 0;
  auto operator<=>(const Version&) const = default;
};
inline constexpr Version kNewest{1, kNewestApiMinor};
inline constexpr Version kOldest{1, kOldestApiMinor};

std::string to_string(Version version);
// "1.56". Empty for anything else.
std::optional<Version> parse_version(std::string_view text);
// Throws Error{kInvalidArgument} in Docker's words for one outside of [oldest, kNewest].
void check_supported(Version version, Version oldest = kOldest);

}  // namespace hull::api
