// SPDX-License-Identifier: Apache-2.0
#include "linux/write_back.h"

#include <fcntl.h>

namespace hull::linux {

void begin_write_back(int fd, std::uint64_t offset, std::uint64_t size) noexcept {
  ::sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
}

}  // namespace hull::linux
