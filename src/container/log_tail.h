// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "shim/log_options.h"

namespace hull::container {

// Where the last `lines` messages of a log file begin. Reads backwards, only as much as it has to. `lines` is reduced
// by what the file has; 0 is given when that is all of it. In the newest file the last message may be unfinished.
std::int64_t start_of_tail(int fd, shim::LogFormat format, std::int64_t& lines, bool is_live);

}  // namespace hull::container
