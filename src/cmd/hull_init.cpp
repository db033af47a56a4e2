// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <initializer_list>

// The init of `run --init`: runs one program, hands every signal on to it, reaps whatever becomes an orphan, and ends
// as the program ends. Usage: hull-init [--] program [arguments]. Plain C++ without the standard library's run time,
// because each container has its own copy in memory.
namespace {

constexpr int kUsageExit = 1;
constexpr int kNotFound = 127, kNotExecutable = 126;
// Our own faults stay ours, and a stop from the terminal stops only the program.
constexpr int kNotForwarded[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU};

void complain(const char* what, const char* why) {
  for (const char* part : {"hull-init: ", what, ": ", why, "\n"})
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) return;
}

sigset_t handled_signals() {
  sigset_t set;
  ::sigfillset(&set);
  for (int signal : kNotForwarded) ::sigdelset(&set, signal);
  return set;
}

[[noreturn]] void run_program(char** arguments, const sigset_t& original_mask) {
  // Its own group in the foreground of the terminal, if there is one, so that job control signals reach it alone.
  ::setpgid(0, 0);
  ::signal(SIGTTOU, SIG_IGN);
  ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
  ::signal(SIGTTOU, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &original_mask, nullptr);
  ::execvp(arguments[0], arguments);
  int code = errno;
  complain(arguments[0], std::strerror(code));
  ::_exit(code == ENOENT ? kNotFound : kNotExecutable);
}

// Gives the exit code when the program itself is among the ended.
int reap(pid_t program) {
  int result = -1, status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
    if (pid == program) result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  int first = argc > 1 && std::strcmp(argv[1], "--") == 0 ? 2 : 1;
  if (first >= argc) {
    complain("usage", "hull-init [--] program [arguments]");
    return kUsageExit;
  }
  if (::getpid() != 1) ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  sigset_t handled = handled_signals(), original;
  ::sigprocmask(SIG_BLOCK, &handled, &original);
  pid_t program = ::fork();
  if (program < 0) {
    complain("fork", std::strerror(errno));
    return kUsageExit;
  }
  if (program == 0) run_program(argv + first, original);
  for (;;) {
    siginfo_t signal;
    if (::sigwaitinfo(&handled, &signal) < 0) continue;
    if (signal.si_signo != SIGCHLD) {
      ::kill(program, signal.si_signo);
    } else if (int code = reap(program); code >= 0) {
      return code;
    }
  }
}
