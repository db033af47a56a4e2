// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::linux {

// Where an open file is, as this process sees it (the link in /proc/self/fd). Throws errno.
std::string fd_path(int fd);

}  // namespace hull::linux
