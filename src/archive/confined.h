// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace hull::archive {

// openat2(2) of `path` with `root` taken for "/": no "..", absolute, symbolic or magic link leads out of it. Not
// valid on failure, with errno set. Close-on-exec.
UniqueFd open_confined(int root, const std::string& path, std::uint64_t flags);

}  // namespace hull::archive
