// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "api/call.h"

namespace hull::api {

// A size of a terminal in a query: strictly a 32 bit number, as Docker words its refusals.
std::uint32_t terminal_size(const Query& query, std::string_view name, std::string_view what);

}  // namespace hull::api
