// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hull::cli {

// "SIGTERM" of "15"; what is no number is given back as it is.
std::string signal_name(std::string_view number);

}  // namespace hull::cli
