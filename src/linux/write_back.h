// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace hull::linux {

// Lets the kernel begin to write these bytes of a file to the disk; sync_file_range(2). A hint: never waits, never
// fails.
void begin_write_back(int fd, std::uint64_t offset, std::uint64_t size) noexcept;

}  // namespace hull::linux
