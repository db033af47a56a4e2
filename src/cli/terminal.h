// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <termios.h>

#include <optional>

namespace hull::cli {

struct WindowSize {
  unsigned rows = 0, columns = 0;
};

bool is_terminal(int fd);
// Of the terminal behind `fd`; zeros when there is none.
WindowSize window_size(int fd);
// The width that texts are wrapped at: the terminal's on standard output, or 80.
unsigned text_width();

// Whether colours are welcome there: a terminal, without $NO_COLOR (https://no-color.org).
bool wants_colour(int fd);

// The terminal in raw mode (no echo, no line editing, no signals from keys) until destruction. See termios(3).
class RawTerminal {
 public:
  explicit RawTerminal(int fd);
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() { restore(); }
  void restore();

 private:
  int fd_;
  std::optional<termios> saved_;
};

// What is typed does not show until destruction; lines and signals work as ever.
class HiddenInput {
 public:
  explicit HiddenInput(int fd);
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;
  ~HiddenInput();

 private:
  int fd_;
  termios saved_{};
};

}  // namespace hull::cli
