// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace hull::linux {

// Numbers of processors or memory nodes as the kernel lists them: "0-3,7". At most 8192 of them. Throws
// Error{kInvalidArgument} that begins with `field` and quotes the list.
std::vector<unsigned> parse_number_list(std::string_view list, std::string_view field);

}  // namespace hull::linux
