// SPDX-License-Identifier: Apache-2.0
#include "api/version.h"

#include "base/error.h"
#include "base/text.h"

namespace hull::api {

std::string to_string(Version version) { return cat(version.major, ".", version.minor); }

std::optional<Version> parse_version(std::string_view text) {
  auto [major_text, minor_text] = split_once(text, '.');
  auto major = parse_number<int>(major_text);
  auto minor = parse_number<int>(minor_text.value_or(""));
  if (!major || !minor || *major < 0 || *minor < 0) return std::nullopt;
  return Version{*major, *minor};
}

void check_supported(Version version, Version oldest) {
  if (version > kNewest)
    fail_invalid("client version ", to_string(version), " is too new. Maximum supported API version is ",
                 to_string(kNewest));
  if (version < oldest)
    fail_invalid("client version ", to_string(version), " is too old. Minimum supported API version is ",
                 to_string(oldest), ", please upgrade your client to a newer version");
}

}  // namespace hull::api
