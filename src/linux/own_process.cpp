// SPDX-License-Identifier: Apache-2.0
#include "linux/own_process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>

#include "base/file.h"
#include "linux/eventfd.h"

namespace hull::linux {

namespace {

constexpr const char* kOomScore = "/proc/self/oom_score_adj";

const EventFd* g_ended_children = nullptr;  // set once, before the handler is installed

void set_handler(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  check(::sigaction(signal, &action, nullptr), "sigaction");
}

}  // namespace

void close_descriptors_from(int first) noexcept { ::syscall(SYS_close_range, first, ~0U, 0); }
void lower_own_priority() noexcept {
  constexpr int kThisProcess = 1, kIdleClass = 3 << 13;  // ioprio_set(2): glibc has no names
  ::setpriority(PRIO_PROCESS, 0, 19);
  ::syscall(SYS_ioprio_set, kThisProcess, 0, kIdleClass);
}

void start_session() noexcept { ::setsid(); }
void set_own_name(const char* name) noexcept { ::prctl(PR_SET_NAME, name); }
void become_subreaper() { check(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "PR_SET_CHILD_SUBREAPER"); }

int oom_score_adjustment() { return parse_number<int>(trim(read_file(kOomScore))).value_or(0); }

bool set_oom_score_adjustment(int value) {
  UniqueFd fd = open_file(kOomScore, O_WRONLY);
  std::string text = cat(value);
  return ::write(fd.get(), text.data(), text.size()) >= 0;
}

void disarm_signals(std::span<const int> signals) {
  for (int signal : signals) set_handler(signal, [](int) {});
}

int notify_of_ended_children() {
  static EventFd ended;
  g_ended_children = &ended;
  set_handler(SIGCHLD, [](int) {
    int saved = errno;
    g_ended_children->signal();
    errno = saved;
  });
  return ended.get();
}

void clear_ended_children() noexcept {
  if (g_ended_children) g_ended_children->clear();
}

std::optional<EndedChild> reap_any_child() {
  EndedChild child;
  do child.pid = ::waitpid(-1, &child.wait_status, WNOHANG);
  while (child.pid < 0 && errno == EINTR);
  if (child.pid <= 0) return std::nullopt;
  return child;
}

void kill_process_group(pid_t leader) noexcept { ::kill(-leader, SIGKILL); }

}  // namespace hull::linux
