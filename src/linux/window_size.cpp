// SPDX-License-Identifier: Apache-2.0
#include "linux/window_size.h"

#include <sys/ioctl.h>

#include "base/error.h"

namespace hull::linux {

void set_window_size(int terminal, std::uint16_t rows, std::uint16_t columns) {
  winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  check(::ioctl(terminal, TIOCSWINSZ, &size), "TIOCSWINSZ");
}

}  // namespace hull::linux
