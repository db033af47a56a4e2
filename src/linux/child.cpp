// SPDX-License-Identifier: Apache-2.0
#include "linux/child.h"

#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/file.h"

namespace hull::linux {

namespace {

// <linux/wait.h> clashes with <sys/wait.h>; P_PIDFD of glibc 2.36 is there, the raw siginfo is all we need.
int status_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

UniqueFd memory_file(const char* name) { return UniqueFd(check(::memfd_create(name, MFD_CLOEXEC), "memfd_create")); }

[[noreturn]] void exec_hook(const std::string& path, std::vector<char*> argv, std::vector<char*> envp, int in, int err,
                            const std::function<void()>& confine) noexcept {
  reset_signals();
  ::dup2(in, STDIN_FILENO);
  ::dup2(err, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  try {
    if (confine) confine();
  } catch (const std::exception& e) {
    ::dprintf(STDERR_FILENO, "%s", e.what());
    ::_exit(127);
  }
  ::execve(path.c_str(), argv.data(), envp.data());
  ::dprintf(STDERR_FILENO, "%s", errno_text(errno).c_str());
  ::_exit(127);
}

}  // namespace

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  kill_and_reap();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  return *this;
}

int Child::wait() {
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) < 0) {
    if (errno == EINTR) continue;
    pid_ = -1;
    return -1;
  }
  pid_ = -1;
  return status_of(info);
}

void Child::kill_and_reap() noexcept {
  if (pid_ <= 0) return;
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  wait();
}

pid_t clone_process(std::uint64_t flags, int cgroup, UniqueFd& pidfd) {
  clone_args args{};
  int fd = -1;
  args.flags = flags | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uint64_t>(&fd);
  // With CLONE_PARENT the kernel takes over the caller's own signal, and refuses another one.
  args.exit_signal = (flags & CLONE_PARENT) ? 0 : SIGCHLD;
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  long pid = check(::syscall(SYS_clone3, &args, sizeof args), "clone3");
  if (pid > 0) pidfd.reset(fd);
  return static_cast<pid_t>(pid);
}

bool has_executed(pid_t pid) {
  auto stat = read_if_exists(cat("/proc/", pid, "/stat"));
  if (!stat) return false;
  // The name in parentheses may contain anything, so count from its end: state ppid pgrp session tty tpgid flags.
  std::string_view rest(*stat);
  rest.remove_prefix(std::min(rest.size(), rest.rfind(')') + 2));
  auto columns = split(rest, ' ');
  constexpr unsigned kForkNoExec = 0x40;
  return columns.size() > 6 && !(parse_number<unsigned>(columns[6]).value_or(kForkNoExec) & kForkNoExec);
}

std::vector<char*> exec_vector(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void run_with_input(const std::string& path, const std::vector<std::string>& arguments,
                    const std::vector<std::string>& environment, const std::string& input, int timeout_seconds,
                    const std::function<void()>& confine) {
  // Files in memory instead of pipes: nobody can block on them, so there is nothing to pump.
  UniqueFd in = memory_file("hook-input"), err = memory_file("hook-output");
  write_all(in.get(), input);
  check(::lseek(in.get(), 0, SEEK_SET), "lseek");
  std::vector<std::string> argv = arguments.empty() ? std::vector<std::string>{path} : arguments;
  UniqueFd pidfd;
  pid_t pid = clone_process(0, -1, pidfd);
  if (pid == 0) exec_hook(path, exec_vector(argv), exec_vector(environment), in.get(), err.get(), confine);
  Child child(pid, std::move(pidfd));
  pollfd ended{child.pidfd(), POLLIN, 0};
  int ready;
  do {
    ready = ::poll(&ended, 1, timeout_seconds > 0 ? timeout_seconds * 1000 : -1);
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) fail(Kind::kInternal, path, ": not done after ", timeout_seconds, " s");
  int status = child.wait();
  if (status == 0) return;
  ::lseek(err.get(), 0, SEEK_SET);
  fail(Kind::kInternal, path, WIFEXITED(status) ? ": exit status " : ": signal ",
       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), ": ", trim(read_all(err.get())));
}

void set_stdio(int in, int out, int err) {
  // Copies above 2 first: the given numbers may be 0, 1 or 2 in any order.
  int wanted[3] = {in, out, err};
  UniqueFd copies[3];
  for (int i = 0; i < 3; ++i) {
    if (wanted[i] < 0 || wanted[i] == i) continue;
    if (wanted[i] < 3) {
      copies[i].reset(check(::fcntl(wanted[i], F_DUPFD_CLOEXEC, 3), "dup"));
      wanted[i] = copies[i].get();
    }
  }
  for (int i = 0; i < 3; ++i) {
    if (wanted[i] < 0) continue;
    if (wanted[i] == i) {
      check(::fcntl(i, F_SETFD, 0), "fcntl");
    } else {
      check(::dup2(wanted[i], i), "dup2");
    }
  }
}

void close_on_exec_from(unsigned first) {
  if (::syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  // Linux 5.10 has the call without this flag.
  for (const auto& name : list_directory("/proc/self/fd")) {
    auto fd = parse_number<int>(name);
    if (fd && *fd >= static_cast<int>(first)) ::fcntl(*fd, F_SETFD, FD_CLOEXEC);
  }
}

void reset_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH})
    ::signal(number, SIG_DFL);
}

void end_on_signals() {
  for (int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) ::signal(number, [](int which) { ::_exit(128 + which); });
}

void hide_from_others() { check(::prctl(PR_SET_DUMPABLE, 0), "prctl", "PR_SET_DUMPABLE"); }

void die_with_parent() { check(::prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl", "PR_SET_PDEATHSIG"); }

}  // namespace hull::linux
