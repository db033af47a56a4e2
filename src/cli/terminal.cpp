// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "cli/output.h"

namespace hull::cli {

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

WindowSize window_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return {};
  return {size.ws_row, size.ws_col};
}

unsigned text_width() {
  unsigned columns = window_size(STDOUT_FILENO).columns;
  return columns ? columns : 80;
}

bool wants_colour(int fd) {
  const char* refused = std::getenv("NO_COLOR");
  return is_terminal(fd) && (!refused || !*refused);
}

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  termios mode{};
  if (::tcgetattr(fd, &mode) != 0) return;
  saved_ = mode;
  ::cfmakeraw(&mode);
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  ::tcsetattr(fd, TCSANOW, &mode);
}

void RawTerminal::restore() {
  if (saved_) ::tcsetattr(fd_, TCSANOW, &*saved_);
  saved_.reset();
}

void print(std::string_view text) {
  constexpr int kBrokenPipe = 128 + 13;  // as if SIGPIPE had ended us
  try {
    write_all(STDOUT_FILENO, text);
  } catch (const Error& e) {
    if (e.code() == EPIPE) throw Exit(kBrokenPipe);
    throw;
  }
}

void complain(std::string_view text) {
  try {
    write_all(STDERR_FILENO, cat(text, '\n'));
  } catch (const Error&) {
    // Nobody is left to be told.
  }
}

namespace {
bool debugging = false;
}

void set_debug(bool on) { debugging = on; }

void debug(std::string_view text) {
  if (debugging) complain(cat("DEBUG: ", text));
}

HiddenInput::HiddenInput(int fd) : fd_(fd) {
  check(::tcgetattr(fd_, &saved_), "tcgetattr");
  termios hidden = saved_;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(fd_, TCSAFLUSH, &hidden);
}

HiddenInput::~HiddenInput() { ::tcsetattr(fd_, TCSAFLUSH, &saved_); }

}  // namespace hull::cli
