// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "linux/root_dir.h"

namespace hull::linux {

// The content of a small file of a root filesystem that may be hostile: neither a fifo nor an endless device nor a
// link out of `root` holds the caller up. Empty when there is nothing. Error{kInvalidArgument} when it is not a
// regular file, or larger than `limit` bytes.
std::optional<std::string> read_text_file(const RootDir& root, const std::string& path, std::size_t limit = 16 << 20);

}  // namespace hull::linux
