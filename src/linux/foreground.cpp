// SPDX-License-Identifier: Apache-2.0
#include "linux/foreground.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "base/file.h"
#include "linux/pidfd.h"

namespace hull::linux {

namespace {

sigset_t collected_signals() {
  sigset_t set;
  sigfillset(&set);
  for (int number : {SIGCHLD, SIGPIPE, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTTIN, SIGTTOU, SIGTSTP, SIGURG})
    sigdelset(&set, number);
  return set;
}

class RawTerminal {
 public:
  RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) < 0) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    raw.c_oflag |= OPOST;  // the terminal of the process behind leaves that to this one
    changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  RawTerminal(const RawTerminal&) = delete;
  ~RawTerminal() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

 private:
  termios before_{};
  bool changed_ = false;
};

void copy_window_size(int terminal) {
  winsize size{};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ::ioctl(terminal, TIOCSWINSZ, &size);
}

// False at the end of what there is to read.
bool copy_some(int from, int to) {
  char buffer[16384];
  ssize_t size = ::read(from, buffer, sizeof buffer);
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (size <= 0) return false;
  write_all(to, std::string_view(buffer, static_cast<std::size_t>(size)));
  return true;
}

void pass_on_signal(int signals, int pidfd, int terminal) {
  signalfd_siginfo info{};
  if (::read(signals, &info, sizeof info) != sizeof info) return;
  if (info.ssi_signo == SIGWINCH && terminal >= 0) {
    copy_window_size(terminal);
  } else {
    signal_pidfd(pidfd, static_cast<int>(info.ssi_signo));
  }
}

void show_the_rest(int terminal) {
  pollfd left{terminal, POLLIN, 0};
  while (::poll(&left, 1, 0) > 0 && (left.revents & POLLIN) && copy_some(terminal, STDOUT_FILENO)) continue;
}

}  // namespace

void collect_signals() {
  sigset_t set = collected_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

void attend_process(int pidfd, int terminal, Aside aside) {
  sigset_t set = collected_signals();
  UniqueFd signals(check(::signalfd(-1, &set, SFD_CLOEXEC), "signalfd"));
  std::optional<RawTerminal> raw;
  if (terminal >= 0) {
    raw.emplace();
    copy_window_size(terminal);
  }
  int input = terminal >= 0 ? STDIN_FILENO : -1;
  for (;;) {
    pollfd ready[] = {{pidfd, POLLIN, 0},
                      {signals.get(), POLLIN, 0},
                      {terminal, POLLIN, 0},
                      {input, POLLIN, 0},
                      {aside.fd, POLLIN, 0}};
    if (::poll(ready, std::size(ready), -1) < 0) {
      if (errno == EINTR) continue;
      throw_errno("poll");
    }
    if (ready[1].revents) pass_on_signal(signals.get(), pidfd, terminal);
    if (ready[2].revents && !copy_some(terminal, STDOUT_FILENO)) terminal = -1;
    if (ready[3].revents && !copy_some(input, terminal)) input = -1;
    if (terminal < 0) input = -1;
    if (ready[4].revents && !aside.act()) aside.fd = -1;
    if (ready[0].revents) break;
  }
  if (terminal >= 0) show_the_rest(terminal);
}

}  // namespace hull::linux
