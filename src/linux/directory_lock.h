// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace hull::linux {

enum class Sharing : unsigned char { kAlone, kShared };

// A flock(2) on the directory itself; waits for whoever has it. Held until the descriptor is closed. Throws errno.
UniqueFd lock_directory(const std::string& path, Sharing sharing = Sharing::kAlone);

// Whether `path` still is the directory that `fd` was opened as.
bool is_directory_at(int fd, const std::string& path);

}  // namespace hull::linux
