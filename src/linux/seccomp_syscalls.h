// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Names of architectures and system calls to the kernel's numbers.
namespace hull::linux {

struct SeccompArchName {
  std::string_view name;     // "SCMP_ARCH_X86_64"
  std::uint32_t token;       // libseccomp's
  std::uint32_t audit_arch;  // what the kernel reports
  bool wide;                 // 64-bit arguments
  bool multiplexed;          // socketcall(2) and ipc(2) beside the direct calls
};

// nullptr for a name that does not exist.
const SeccompArchName* find_seccomp_arch(std::string_view name);
const SeccompArchName& native_seccomp_arch();
std::vector<std::string> seccomp_arch_names();

// One way of making a call: directly, or as operation `operation` of a multiplexer (its first argument).
struct SyscallNumber {
  std::uint32_t number = 0;
  std::optional<std::uint32_t> operation;
};
// All ways of making the call on that architecture; none for calls that it does not have.
std::vector<SyscallNumber> syscall_numbers(const SeccompArchName& arch, const std::string& name);

}  // namespace hull::linux
