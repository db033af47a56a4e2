// SPDX-License-Identifier: Apache-2.0
#include "seccomp_reference.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/error.h"
#include "linux/seccomp_program.h"

using namespace hull;
using namespace hull::test;

namespace {

constexpr std::uint32_t kX86_64 = SCMP_ARCH_X86_64, kX86 = SCMP_ARCH_X86;

oci::Seccomp profile_of(std::string fallback, std::vector<oci::SyscallRule> rules) {
  oci::Seccomp profile;
  profile.default_action = std::move(fallback);
  profile.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
  profile.syscalls = std::move(rules);
  return profile;
}

seccomp_data call_of(std::uint32_t arch, int number, std::uint64_t first = 0, std::uint64_t second = 0) {
  seccomp_data data{};
  data.arch = arch;
  data.nr = number;
  data.args[0] = first;
  data.args[1] = second;
  return data;
}

std::uint32_t verdict(const oci::Seccomp& profile, const seccomp_data& data) {
  return run_filter(instructions(linux::compile_seccomp(profile)), data);
}

std::string message_of(const oci::Seccomp& profile) {
  try {
    linux::compile_seccomp(profile);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
    return e.message();
  }
  return "accepted";
}

// Every number that any of the programs could know, and the edges of what they do not.
std::vector<std::uint32_t> all_numbers() {
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t number = 0; number < 600; ++number) {
    numbers.push_back(number);
    numbers.push_back(number | 0x40000000);
  }
  return numbers;
}

}  // namespace

TEST(Seccomp, EveryOperatorJudgesAsLibseccompDoes) {
  // x32 is left out: libseccomp 2.5 compares 64 bits there when it likes to.
  for (const char* op : {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",
                         "SCMP_CMP_MASKED_EQ"}) {
    for (std::uint64_t value : {0ULL, 5ULL, 0xffffffffULL, 0x100000005ULL, 0xff00000000ULL}) {
      auto profile =
          profile_of("SCMP_ACT_ERRNO", {{{"personality"}, "SCMP_ACT_ALLOW", {}, {{1, value, value & 5, op}}}});
      auto ours = instructions(linux::compile_seccomp(profile)), theirs = libseccomp_program(profile);
      for (std::uint64_t argument : interesting_values(profile)) {
        auto data = call_of(kX86_64, SYS_personality, 0, argument);
        EXPECT_EQ(run_filter(ours, data), run_filter(theirs, data)) << op << " " << value << " of " << argument;
      }
    }
  }
}

TEST(Seccomp, ConditionsOnDifferentArgumentsMustAllHold) {
  auto profile =
      profile_of("SCMP_ACT_ERRNO",
                 {{{"personality"}, "SCMP_ACT_ALLOW", {}, {{0, 7, 0, "SCMP_CMP_EQ"}, {1, 9, 0, "SCMP_CMP_GE"}}}});
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_personality, 7, 9)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_personality, 7, 8)), SECCOMP_RET_ERRNO | EPERM);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_personality, 6, 9)), SECCOMP_RET_ERRNO | EPERM);
}

TEST(Seccomp, ConditionsOnOneArgumentAreAlternatives) {
  auto profile =
      profile_of("SCMP_ACT_ERRNO",
                 {{{"personality"}, "SCMP_ACT_ALLOW", {}, {{0, 7, 0, "SCMP_CMP_EQ"}, {0, 9, 0, "SCMP_CMP_EQ"}}}});
  for (std::uint64_t value : {7, 9})
    EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_personality, value)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_personality, 8)), SECCOMP_RET_ERRNO | EPERM);
}

TEST(Seccomp, ActionsCarryTheirData) {
  auto profile = profile_of("SCMP_ACT_KILL_PROCESS", {{{"read"}, "SCMP_ACT_ERRNO", 38, {}},
                                                      {{"write"}, "SCMP_ACT_TRACE", 7, {}},
                                                      {{"open"}, "SCMP_ACT_LOG", 7, {}},
                                                      {{"close"}, "SCMP_ACT_NOTIFY", {}, {}},
                                                      {{"stat"}, "SCMP_ACT_TRAP", {}, {}}});
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_read)), SECCOMP_RET_ERRNO | ENOSYS);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_write)), SECCOMP_RET_TRACE | 7U);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_open)), SECCOMP_RET_LOG);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_close)), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_stat)), SECCOMP_RET_TRAP);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, 1)), SECCOMP_RET_TRACE | 7U);
}

TEST(Seccomp, YoungerCallsThanTheProfileKnowsDoNotExist) {
  auto profile = profile_of("SCMP_ACT_ERRNO", {{{"read", "openat2"}, "SCMP_ACT_ALLOW", {}, {}}});
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_openat2)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_openat2 - 1)), SECCOMP_RET_ERRNO | EPERM);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_openat2 + 1)), SECCOMP_RET_ERRNO | ENOSYS);
  profile.default_action = "SCMP_ACT_LOG";
  EXPECT_EQ(verdict(profile, call_of(kX86_64, SYS_openat2 + 1)), SECCOMP_RET_LOG);
}

TEST(Seccomp, ForeignArchitecturesAreKilled) {
  auto profile = profile_of("SCMP_ACT_ALLOW", {});
  EXPECT_EQ(verdict(profile, call_of(SCMP_ARCH_AARCH64, 1)), SECCOMP_RET_KILL_THREAD);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, 0x40000001)), SECCOMP_RET_ALLOW);
  profile.architectures.clear();
  EXPECT_EQ(verdict(profile, call_of(kX86_64, 1)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(profile, call_of(kX86_64, 0x40000001)), SECCOMP_RET_KILL_THREAD);
  EXPECT_EQ(verdict(profile, call_of(kX86, 1)), SECCOMP_RET_KILL_THREAD);
}

TEST(Seccomp, SocketCallsOf32BitGoThroughTheMultiplexerToo) {
  auto profile = profile_of("SCMP_ACT_ERRNO", {{{"socket", "shmat"}, "SCMP_ACT_ALLOW", {}, {}}});
  EXPECT_EQ(verdict(profile, call_of(kX86, 359)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(profile, call_of(kX86, 102, 1)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(profile, call_of(kX86, 102, 2)), SECCOMP_RET_ERRNO | EPERM);
  EXPECT_EQ(verdict(profile, call_of(kX86, 397)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(profile, call_of(kX86, 117, 21)), SECCOMP_RET_ALLOW);
}

TEST(Seccomp, ManyRulesWithFarJumpsJudgeAsLibseccompDoes) {
  std::vector<oci::SyscallRule> rules;
  for (int number = 0; number < 330; ++number) {
    char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
    if (!name) continue;
    auto errno_ret = static_cast<std::uint32_t>(number + 1);
    std::vector<oci::SyscallArg> args;
    if (number % 3 == 0) args.push_back({static_cast<std::uint32_t>(number % 6), errno_ret << 3, 0, "SCMP_CMP_GE"});
    rules.push_back({{name}, number % 2 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO", errno_ret, args});
    std::free(name);
  }
  auto profile = profile_of("SCMP_ACT_TRACE", rules);
  auto ours = instructions(linux::compile_seccomp(profile)), theirs = libseccomp_program(profile);
  for (std::uint32_t number : all_numbers()) {
    for (std::uint32_t arch : {kX86_64, kX86}) {
      for (std::uint64_t argument : {0ULL, 1000ULL, 100000ULL}) {
        seccomp_data data = call_of(arch, static_cast<int>(number));
        for (auto& arg : data.args) arg = argument;
        ASSERT_EQ(run_filter(ours, data), run_filter(theirs, data)) << "call " << number << " of " << arch;
      }
    }
  }
}

TEST(Seccomp, WhatIsUnknownIsNamedInTheRefusal) {
  EXPECT_EQ(message_of(profile_of("SCMP_ACT_WHAT", {})),
            "seccomp: string SCMP_ACT_WHAT is not a valid action for seccomp");
  EXPECT_EQ(message_of(profile_of("SCMP_ACT_ALLOW", {{{"read"}, "SCMP_ACT_ERRNO", {}, {{0, 0, 0, "SCMP_CMP_X"}}}})),
            "seccomp: string SCMP_CMP_X is not a valid operator for seccomp");
  auto profile = profile_of("SCMP_ACT_ALLOW", {});
  profile.architectures = {"SCMP_ARCH_Z80"};
  EXPECT_EQ(message_of(profile), "seccomp: string SCMP_ARCH_Z80 is not a valid arch for seccomp");
  EXPECT_EQ(message_of(profile_of("SCMP_ACT_NOTIFY", {})), "seccomp: SCMP_ACT_NOTIFY cannot be used as default action");
  EXPECT_EQ(message_of(profile_of("SCMP_ACT_ERRNO", {{{"no_such_call"}, "SCMP_ACT_ALLOW", {}, {}}})), "accepted");
}

TEST(Seccomp, ALoadedProgramIsInForce) {
  auto profile = profile_of("SCMP_ACT_ALLOW", {{{"getppid"}, "SCMP_ACT_ERRNO", 95, {}}});
  std::string program = linux::compile_seccomp(profile);
  pid_t child = ::fork();
  if (child == 0) {
    linux::load_seccomp_program(program, linux::seccomp_flags(profile));
    errno = 0;
    ::_exit(::syscall(SYS_getppid) == -1 && errno == 95 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}
