// SPDX-License-Identifier: Apache-2.0
#include "linux/signal_wait.h"

#include <csignal>

#include "base/error.h"

namespace hull::linux {

namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : signals) ::sigaddset(&set, signal);
  return set;
}

}  // namespace

void block_signals(std::initializer_list<int> signals) {
  sigset_t set = set_of(signals);
  if (int code = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); code != 0) throw_errno("sigmask", {}, code);
}

void ignore_signal(int signal) { ::signal(signal, SIG_IGN); }

int wait_for_signal(std::initializer_list<int> signals) {
  sigset_t set = set_of(signals);
  int signal = 0;
  if (int code = ::sigwait(&set, &signal); code != 0) throw_errno("sigwait", {}, code);
  return signal;
}

}  // namespace hull::linux
