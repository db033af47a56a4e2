// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/unique_fd.h"
#include "linux/root_dir.h"

namespace hull::linux {

// Both sides of a terminal.
struct Pty {
  UniqueFd master, slave;
};

// A new terminal from the devpts that is mounted at /dev/pts below `root`. Throws errno.
Pty open_pty(const RootDir& root);
// What programs write comes out of the master as it is: without this a line feed does with a carriage return before it.
void keep_newlines(int terminal);
void set_window_size(int terminal, std::uint16_t rows, std::uint16_t columns);
// The calling process, a session leader, gets it as its controlling terminal.
void make_controlling_terminal(int slave);
// setsid(2).
void start_session();

}  // namespace hull::linux
