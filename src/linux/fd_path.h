// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::linux {

// Where an open file is, as this process sees it (the link in /proc/self/fd). Throws errno.
std::string fd_path(int fd);
// A path by which other processes reach that very file as long as this one has it open, wherever it is by then.
std::string fd_path_for_others(int fd);

}  // namespace hull::linux
