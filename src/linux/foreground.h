// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace hull::linux {

// Blocks every signal that attend_process() passes on. To be called before the process exists, so that none is lost.
void collect_signals();

// Stands before a process, as a shell's child that stands for it: passes on the signals that this process gets, and,
// when `terminal` (the master side, or -1; keep_newlines() has been called for it) is given, what is typed and shown,
// with our own terminal in raw mode and its size kept the same. Returns when the process behind `pidfd` has ended and
// everything is shown.
// `aside`: called when its descriptor can be read, until it gives false.
struct Aside {
  int fd = -1;
  std::function<bool()> act{};
};
void attend_process(int pidfd, int terminal, Aside aside = {});

}  // namespace hull::linux
