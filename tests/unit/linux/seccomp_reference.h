// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "linux/seccomp.h"  // and, through it, the kernel's header of this name

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "oci/runtime_config.h"

// What compiled filters are compared with: an interpreter of classic BPF, and libseccomp's idea of a profile.
namespace hull::test {

inline std::vector<sock_filter> instructions(std::string_view program) {
  std::vector<sock_filter> out(program.size() / sizeof(sock_filter));
  std::memcpy(out.data(), program.data(), out.size() * sizeof(sock_filter));
  return out;
}

// Runs `program` on one system call, as bpf(4) describes the machine, and gives its verdict. `steps`: how many
// instructions that took.
inline std::uint32_t run_filter(const std::vector<sock_filter>& program, const seccomp_data& data,
                                int* steps = nullptr) {
  std::uint32_t accumulator = 0;
  for (std::size_t pc = 0; pc < program.size(); ++pc) {
    const sock_filter& in = program[pc];
    if (steps) ++*steps;
    auto branch = [&](bool taken) { pc += taken ? in.jt : in.jf; };
    switch (in.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (in.k + 4 > sizeof data) return ADD_FAILURE() << "load beyond the data at " << pc, 0;
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + in.k, 4);
        break;
      case BPF_ALU | BPF_AND | BPF_K: accumulator &= in.k; break;
      case BPF_JMP | BPF_JA: pc += in.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: branch(accumulator == in.k); break;
      case BPF_JMP | BPF_JGE | BPF_K: branch(accumulator >= in.k); break;
      case BPF_JMP | BPF_JGT | BPF_K: branch(accumulator > in.k); break;
      case BPF_JMP | BPF_JSET | BPF_K: branch((accumulator & in.k) != 0); break;
      case BPF_RET | BPF_K: return in.k;
      default: return ADD_FAILURE() << "unknown instruction " << in.code << " at " << pc, 0;
    }
  }
  return ADD_FAILURE() << "ran off the end", 0;
}

inline std::uint32_t scmp_action(const std::string& name, std::uint32_t errno_ret) {
  if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(errno_ret);
  if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(errno_ret);
  if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
  if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
  if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
  if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
  return SCMP_ACT_KILL_THREAD;
}

inline scmp_compare scmp_operator(const std::string& name) {
  const std::pair<const char*, scmp_compare> kOperators[] = {
      {"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_LE", SCMP_CMP_LE},
      {"SCMP_CMP_EQ", SCMP_CMP_EQ}, {"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT}};
  for (auto [text, value] : kOperators)
    if (name == text) return value;
  return SCMP_CMP_MASKED_EQ;
}

// The profile as libseccomp compiles it, with the calls that runc makes.
inline std::vector<sock_filter> libseccomp_program(const oci::Seccomp& profile) {
  std::uint32_t fallback = scmp_action(profile.default_action, profile.default_errno_ret.value_or(EPERM));
  scmp_filter_ctx filter = ::seccomp_init(fallback);
  for (const auto& name : profile.architectures) {
    std::string word = lower(std::string_view(name).substr(10));
    ::seccomp_arch_add(filter, ::seccomp_arch_resolve_name(word.c_str()));
  }
  for (const auto& rule : profile.syscalls) {
    std::uint32_t action = scmp_action(rule.action, rule.errno_ret.value_or(EPERM));
    if (action == fallback) continue;
    std::vector<scmp_arg_cmp> conditions;
    for (const auto& arg : rule.args)
      conditions.push_back({arg.index, scmp_operator(arg.op), arg.value, arg.value_two});
    for (const auto& name : rule.names) {
      int number = ::seccomp_syscall_resolve_name(name.c_str());
      if (number != __NR_SCMP_ERROR)
        ::seccomp_rule_add_array(filter, action, number, static_cast<unsigned>(conditions.size()), conditions.data());
    }
  }
  TempDir directory;
  UniqueFd file = open_file(directory.path() + "/bpf", O_RDWR | O_CREAT, 0600);
  EXPECT_EQ(::seccomp_export_bpf(filter, file.get()), 0);
  ::seccomp_release(filter);
  return instructions(read_file(directory.path() + "/bpf"));
}

// Argument values around everything that the profile compares with.
inline std::vector<std::uint64_t> interesting_values(const oci::Seccomp& profile) {
  std::set<std::uint64_t> values{0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, ~0ULL};
  for (const auto& rule : profile.syscalls)
    for (const auto& arg : rule.args)
      for (std::uint64_t base : {arg.value, arg.value_two})
        for (std::uint64_t high : {0ULL, 1ULL << 32, ~0ULL << 32})
          for (std::uint64_t value : {base - 1, base, base + 1, base | std::uint64_t{1} << 40, ~base})
            values.insert(value ^ high);
  return {values.begin(), values.end()};
}

}  // namespace hull::test
