// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::cli {

// "10m" (ago), an RFC 3339 time or its beginning, or seconds: as the "seconds.nanoseconds" of the API.
std::string point_in_time(const std::string& text);

}  // namespace hull::cli
