// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <string_view>

#include "base/error.h"
#include "container/normalize.h"

namespace hull::container {

namespace {

struct Name {
  std::string_view name;
  int number;
};
constexpr Name kSignals[] = {
    {"ABRT", SIGABRT},
    {"ALRM", SIGALRM},
    {"BUS", SIGBUS},
    {"CHLD", SIGCHLD},
    {"CLD", SIGCHLD},
    {"CONT", SIGCONT},
    {"FPE", SIGFPE},
    {"HUP", SIGHUP},
    {"ILL", SIGILL},
    {"INT", SIGINT},
    {"IO", SIGIO},
    {"IOT", SIGIOT},
    {"KILL", SIGKILL},
    {"PIPE", SIGPIPE},
    {"POLL", SIGPOLL},
    {"PROF", SIGPROF},
    {"PWR", SIGPWR},
    {"QUIT", SIGQUIT},
    {"SEGV", SIGSEGV},
    {"STKFLT", SIGSTKFLT},
    {"STOP", SIGSTOP},
    {"SYS", SIGSYS},
    {"TERM", SIGTERM},
    {"TRAP", SIGTRAP},
    {"TSTP", SIGTSTP},
    {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU},
    {"URG", SIGURG},
    {"USR1", SIGUSR1},
    {"USR2", SIGUSR2},
    {"VTALRM", SIGVTALRM},
    {"WINCH", SIGWINCH},
    {"XCPU", SIGXCPU},
    {"XFSZ", SIGXFSZ},
    // The C library keeps the first two real-time signals for itself; the names count from the third.
    {"RTMIN", 34},
    {"RTMAX", 64},
};
constexpr int kHighestSignal = 64;

// "RTMIN+3", "RTMAX-1"; 0 for anything else.
int realtime_signal(std::string_view name) {
  bool from_low = name.starts_with("RTMIN+");
  if (!from_low && !name.starts_with("RTMAX-")) return 0;
  auto offset = parse_number<unsigned>(name.substr(6));
  if (!offset || *offset > 30) return 0;
  return from_low ? 34 + static_cast<int>(*offset) : kHighestSignal - static_cast<int>(*offset);
}

}  // namespace

int parse_signal(std::string_view text) {
  if (auto number = parse_number<int>(text)) {
    if (*number >= 1 && *number <= kHighestSignal) return *number;
    fail_invalid("invalid signal: ", text);
  }
  std::string name = upper(text);
  std::string_view wanted = name;
  if (wanted.starts_with("SIG")) wanted.remove_prefix(3);
  for (const Name& signal : kSignals)
    if (signal.name == wanted) return signal.number;
  if (int number = realtime_signal(wanted)) return number;
  fail_invalid("invalid signal: ", text);
}

}  // namespace hull::container
