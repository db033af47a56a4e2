// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

// A program of the host that works for us while we wait: another OCI runtime, criu. The caller is single-threaded.
namespace hull::runtime {

struct HostProgram {
  std::vector<std::string> command;  // a path and its arguments
  int in = -1, out = -1, err = -1;   // -1: /dev/null
  std::vector<int> descriptors{};    // become 10, 11, … there; everything else is closed
  int cgroup = -1;                   // for CLONE_INTO_CGROUP
  std::function<void()> prepare{};   // called in the new process before its execve; may throw
  int patience_ms = 120'000;         // the caller does nothing else meanwhile: a program that hangs must not keep it
};
inline constexpr int kFirstDescriptor = 10;

// Runs it to its end: waitpid(2)'s status. Empty when it was not done in time, and was killed. It ends with the caller.
// Its environment is the PATH that root has. Throws errno.
std::optional<int> run_host_program(const HostProgram& program);

}  // namespace hull::runtime
