// SPDX-License-Identifier: Apache-2.0
#include "linux/pty.h"

#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <termios.h>

namespace hull::linux {

Pty open_pty(const RootDir& root) {
  Pty pty;
  pty.master = root.open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
  // Whoever wrote the image, or shares the directory, may have put anything there.
  struct statfs info {};
  check(::fstatfs(pty.master.get(), &info), "stat", "/dev/pts/ptmx");
  if (info.f_type != DEVPTS_SUPER_MAGIC) throw_errno("open", "/dev/pts/ptmx", ENOTTY);
  int unlocked = 0;
  check(::ioctl(pty.master.get(), TIOCSPTLCK, &unlocked), "unlock", "/dev/pts/ptmx");
  // By the descriptor, not by name: the name could lead elsewhere by now.
  pty.slave.reset(check(::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC), "open", "terminal"));
  return pty;
}

void keep_newlines(int terminal) {
  termios settings{};
  check(::tcgetattr(terminal, &settings), "read the settings of", "terminal");
  settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  check(::tcsetattr(terminal, TCSANOW, &settings), "change the settings of", "terminal");
}

void set_window_size(int terminal, std::uint16_t rows, std::uint16_t columns) {
  winsize size{rows, columns, 0, 0};
  check(::ioctl(terminal, TIOCSWINSZ, &size), "resize", "terminal");
}

void make_controlling_terminal(int slave) { check(::ioctl(slave, TIOCSCTTY, 0), "set controlling", "terminal"); }

// EPERM: this process leads a session already.
void start_session() { ::setsid(); }

}  // namespace hull::linux
