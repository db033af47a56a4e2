// SPDX-License-Identifier: Apache-2.0
#include "linux/pidfd.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>

namespace hull::linux {

std::optional<UniqueFd> open_pidfd(pid_t pid) {
  auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0 && errno == ESRCH) return std::nullopt;
  return UniqueFd(check(fd, "pidfd_open", cat(pid)));
}

bool signal_pidfd(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  throw_errno("pidfd_send_signal", cat(signal));
}

bool pidfd_ended(int pidfd, int timeout_ms) {
  pollfd entry{.fd = pidfd, .events = POLLIN, .revents = 0};
  int ready;
  do ready = ::poll(&entry, 1, timeout_ms);
  while (ready < 0 && errno == EINTR);
  return check(ready, "poll pidfd") > 0;
}

UniqueFd descriptor_of(int pidfd, int number) {
  return UniqueFd(static_cast<int>(check(::syscall(SYS_pidfd_getfd, pidfd, number, 0), "pidfd_getfd", cat(number))));
}

std::optional<int> reap_pidfd(int pidfd) {
  siginfo_t info{};
  // P_PIDFD gives si_code and si_status; wait(2)'s encoding of them is put together again here.
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
    return std::nullopt;
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

}  // namespace hull::linux
