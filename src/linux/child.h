// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace hull::linux {

// A child process, held by its pidfd. Killed and reaped by the destructor unless it was released or waited for.
class Child {
 public:
  Child() = default;
  Child(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}
  Child& operator=(Child&& other) noexcept;
  ~Child() { kill_and_reap(); }

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  bool owned() const { return pid_ > 0; }

  // Blocks until it has ended; gives waitpid(2)'s status. -1 when somebody else has reaped it.
  int wait();
  // SIGKILL, then wait. Idempotent.
  void kill_and_reap() noexcept;
  // From here on the destructor leaves the process alone; the descriptor stays open.
  void release() { pid_ = -1; }
  UniqueFd take_pidfd() {
    pid_ = -1;
    return std::move(pidfd_);
  }

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

// clone3(2) that continues in both processes, as fork(2) does. `flags`: CLONE_NEW*, CLONE_PARENT, CLONE_FILES, … (not
// CLONE_VM); CLONE_PIDFD is added. `cgroup`: a descriptor for CLONE_INTO_CGROUP, or -1. Returns the pid, 0 in the
// child; `pidfd` is set in the parent. Throws errno.
pid_t clone_process(std::uint64_t flags, int cgroup, UniqueFd& pidfd);

// True when the process has called execve(2) since it was forked, also of a zombie (PF_FORKNOEXEC in /proc/<pid>/stat).
bool has_executed(pid_t pid);

// Runs a program with `input` on its standard input and waits for it. `environment` replaces ours. A program that is
// not done after `timeout_seconds` (0: no limit) is killed. Throws Error{kInternal} with what it wrote to standard
// error when it cannot be executed, fails or takes too long. `confine` is called in the child, last of all.
void run_with_input(const std::string& path, const std::vector<std::string>& arguments,
                    const std::vector<std::string>& environment, const std::string& input, int timeout_seconds,
                    const std::function<void()>& confine = {});

// The pointers that execve(2) wants; valid as long as `texts` is.
std::vector<char*> exec_vector(const std::vector<std::string>& texts);

// Standard input, output and error become copies of these (-1: stays as it is).
void set_stdio(int in, int out, int err);
// Every descriptor from `first` on is closed by the next execve(2).
void close_on_exec_from(unsigned first);
// Unblocks every signal and gives the ones that programs like to ignore their default action again.
void reset_signals();
// Until the next execve(2) the signals that ask a process to end do end this one: the first process of a PID namespace
// ignores what it has no handler for.
void end_on_signals();
// Nobody but the host's root may look at this process (ptrace(2), /proc/<pid>/fd and exe) until its next execve(2).
void hide_from_others();
// SIGKILL when the parent ends. Has to come after the last change of credentials, which clears it.
void die_with_parent();

}  // namespace hull::linux
