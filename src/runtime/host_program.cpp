// SPDX-License-Identifier: Apache-2.0
#include "runtime/host_program.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/unique_fd.h"
#include "linux/child.h"
#include "linux/pidfd.h"

namespace hull::runtime {

namespace {

// What these programs look for others with (hooks, newuidmap, criu, tar).
constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int kCannotExecute = 127;

// The numbers that the program gets may be in use here, and one of ours may be handed over: copies above all of them
// come before anything is put in its place.
std::vector<int> copies_of(const std::vector<int>& descriptors) {
  std::vector<int> copies;
  for (int descriptor : descriptors)
    copies.push_back(
        check(::fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstDescriptor + static_cast<int>(descriptors.size())), "dup"));
  return copies;
}

[[noreturn]] void execute(const HostProgram& program) noexcept {
  try {
    if (program.prepare) program.prepare();
    std::vector<int> copies = copies_of(program.descriptors);
    int null = check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open", "/dev/null");
    auto or_null = [&](int fd) { return fd < 0 ? null : fd; };
    linux::set_stdio(or_null(program.in), or_null(program.out), or_null(program.err));
    linux::close_on_exec_from(3);
    for (std::size_t i = 0; i < copies.size(); ++i)
      check(::dup2(copies[i], kFirstDescriptor + static_cast<int>(i)), "dup2");
    linux::reset_signals();
    linux::die_with_parent();
    std::string path = kPath;
    char* environment[] = {path.data(), nullptr};
    ::execve(program.command[0].c_str(), linux::exec_vector(program.command).data(), environment);
  } catch (const std::exception&) {
    // Its exit code is all that the caller sees.
  }
  ::_exit(kCannotExecute);
}

}  // namespace

std::optional<int> run_host_program(const HostProgram& program) {
  UniqueFd pidfd;
  pid_t pid = linux::clone_process(0, program.cgroup, pidfd);
  if (pid == 0) execute(program);
  linux::Child child(pid, std::move(pidfd));
  if (!linux::pidfd_ended(child.pidfd(), program.patience_ms)) return std::nullopt;
  return child.wait();
}

}  // namespace hull::runtime
