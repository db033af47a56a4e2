// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace hull::linux {

// Sets the size of a terminal, given either of its sides, and tells its foreground processes (SIGWINCH);
// ioctl_tty(2), TIOCSWINSZ. Throws errno.
void set_window_size(int terminal, std::uint16_t rows, std::uint16_t columns);

}  // namespace hull::linux
