// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace hull::build {

// Bytes of the regular files below; what vanishes meanwhile counts as nothing.
std::int64_t directory_size(const std::string& path);

}  // namespace hull::build
