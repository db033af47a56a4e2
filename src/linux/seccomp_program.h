// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// The generator of filter programs: from verdicts per architecture and system call number to classic BPF.
//
// The usual way, one comparison per system call, makes programs of a thousand instructions, and at loading
// the kernel walks the program once for each system call there is (to remember those that are always
// allowed). Here the numbers of an architecture become ranges of equal verdict, and the program a binary
// search over the ranges: some seven comparisons deep, and fifteen times quicker to load.
namespace hull::linux {

enum class SeccompCompare : unsigned char {
  kNotEqual,
  kLess,
  kLessEqual,
  kEqual,
  kGreaterEqual,
  kGreater,
  kMaskedEqual
};

struct SeccompCondition {
  unsigned argument = 0;  // 0 to 5
  SeccompCompare compare = SeccompCompare::kEqual;
  std::uint64_t value = 0, mask = ~0ULL;
};

// All conditions hold: `verdict` (a SECCOMP_RET_* value with its data).
struct SeccompBranch {
  std::vector<SeccompCondition> conditions;
  std::uint32_t verdict = 0;
};

// What happens to one system call: the first branch that fits, else `otherwise`.
struct SeccompDecision {
  std::vector<SeccompBranch> branches;
  std::uint32_t otherwise = 0;
};

struct SeccompArch {
  std::uint32_t audit_arch = 0;         // what the kernel reports in seccomp_data.arch
  bool wide = true;                     // arguments have 64 bits; otherwise only the lower 32 are looked at
  std::uint32_t first = 0, last = ~0U;  // the numbers that are this architecture's (x32 shares x86-64's audit_arch)
  std::map<std::uint32_t, SeccompDecision> calls;
  std::uint32_t unlisted = 0;  // verdict of numbers that are not in `calls`
  std::uint32_t beyond = 0;    // verdict of numbers above the largest in `calls`
};

// The bytes of struct sock_filter[]. `foreign`: the verdict for architectures and number ranges not listed.
// Throws Error{kInvalidArgument} when the program would be longer than the kernel takes (4,096 instructions).
std::string generate_seccomp_program(const std::vector<SeccompArch>& architectures, std::uint32_t foreign);

}  // namespace hull::linux
