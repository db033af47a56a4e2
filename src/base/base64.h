// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hull {

// RFC 4648, with padding: the alphabet of section 4, or that of section 5 for URLs and file names.
std::string base64(std::string_view bytes, bool for_urls = false);
// Reads either alphabet, with or without padding. Empty optional for anything else.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace hull
