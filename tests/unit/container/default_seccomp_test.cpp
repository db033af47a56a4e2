// SPDX-License-Identifier: Apache-2.0
#include "../linux/seccomp_reference.h"

#include "container/default_seccomp.h"
#include "container/seccomp_profile.h"

using namespace hull;
using namespace hull::test;

namespace {

const std::vector<std::string> kDockerCapabilities = {"CAP_CHOWN",      "CAP_KILL",  "CAP_SETUID", "CAP_SETGID",
                                                      "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_NET_RAW"};

int number_of(std::uint32_t arch, const char* name) { return ::seccomp_syscall_resolve_name_arch(arch, name); }

// Where hull means to differ from libseccomp 2.5: it knows younger calls, and answers ENOSYS, as runc does, to
// those that are younger than the profile.
constexpr std::uint32_t kUretprobe = 335, kFirstYoung = 451;
bool comparable(std::uint32_t number) { return number != kUretprobe && number < kFirstYoung; }

void expect_same_verdicts(const oci::Seccomp& profile) {
  auto ours = instructions(linux::compile_seccomp(profile)), theirs = libseccomp_program(profile);
  auto values = interesting_values(profile);
  for (std::uint32_t arch : {std::uint32_t{SCMP_ARCH_X86_64}, std::uint32_t{SCMP_ARCH_X86}}) {
    for (std::uint32_t bit : {0U, 0x40000000U}) {
      if (bit && arch == SCMP_ARCH_X86) continue;
      for (std::uint32_t number = 0; number < 600; ++number) {
        if (!comparable(number)) continue;
        for (std::uint64_t value : values) {
          seccomp_data data{};
          data.arch = arch;
          data.nr = static_cast<int>(number | bit);
          for (auto& arg : data.args) arg = value;
          std::uint32_t mine = run_filter(ours, data);
          ASSERT_EQ(mine, run_filter(theirs, data)) << "call " << number << " of " << arch << " with " << value;
        }
      }
    }
  }
}

std::uint32_t verdict(const std::vector<std::string>& capabilities, const char* name, std::uint64_t argument = 0) {
  static std::map<std::vector<std::string>, std::vector<sock_filter>> programs;
  auto& program = programs[capabilities];
  if (program.empty()) program = instructions(linux::compile_seccomp(container::default_seccomp(capabilities)));
  seccomp_data data{};
  data.arch = SCMP_ARCH_X86_64;
  data.nr = number_of(SCMP_ARCH_X86_64, name);
  data.args[0] = argument;
  return run_filter(program, data);
}

}  // namespace

TEST(DefaultSeccomp, JudgesAsLibseccompDoesForDockersCapabilities) {
  expect_same_verdicts(container::default_seccomp(kDockerCapabilities));
}

TEST(DefaultSeccomp, JudgesAsLibseccompDoesForNoAndManyCapabilities) {
  expect_same_verdicts(container::default_seccomp({}));
  expect_same_verdicts(container::default_seccomp({"CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_BPF", "CAP_SYS_TIME"}));
}

TEST(DefaultSeccomp, ArgumentsDecideWhereDockerSaysSo) {
  constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW, kRefuse = SECCOMP_RET_ERRNO | EPERM;
  EXPECT_EQ(verdict(kDockerCapabilities, "socket", 2), kAllow);
  EXPECT_EQ(verdict(kDockerCapabilities, "socket", 38), kRefuse);
  EXPECT_EQ(verdict(kDockerCapabilities, "socket", 39), kAllow);
  EXPECT_EQ(verdict(kDockerCapabilities, "socket", 40), kRefuse);
  EXPECT_EQ(verdict(kDockerCapabilities, "socket", 44), kAllow);
  EXPECT_EQ(verdict(kDockerCapabilities, "personality", 0x20008), kAllow);
  EXPECT_EQ(verdict(kDockerCapabilities, "personality", 0x40000), kRefuse);
  EXPECT_EQ(verdict(kDockerCapabilities, "clone", 0x11), kAllow);
  EXPECT_EQ(verdict(kDockerCapabilities, "clone", 0x10000011), kRefuse);
  EXPECT_EQ(verdict({"CAP_SYS_ADMIN"}, "clone", 0x10000011), kAllow);
  EXPECT_EQ(verdict(kDockerCapabilities, "clone3"), SECCOMP_RET_ERRNO | ENOSYS);
  EXPECT_EQ(verdict({"CAP_SYS_ADMIN"}, "clone3"), kAllow);
  EXPECT_EQ(verdict(kDockerCapabilities, "mount"), kRefuse);
  EXPECT_EQ(verdict(kDockerCapabilities, "chroot"), kAllow);
  EXPECT_EQ(verdict({}, "chroot"), kRefuse);
  EXPECT_EQ(verdict({}, "ptrace"), kAllow);
  EXPECT_EQ(verdict({}, "io_uring_setup"), kRefuse);
}

TEST(DefaultSeccomp, TheProgramIsShort) {
  auto program = instructions(linux::compile_seccomp(container::default_seccomp(kDockerCapabilities)));
  EXPECT_LT(program.size(), 900U);
  seccomp_data data{};
  data.arch = SCMP_ARCH_X86_64;
  int worst = 0;
  for (data.nr = 0; data.nr < 500; ++data.nr) {
    int steps = 0;
    run_filter(program, data, &steps);
    worst = std::max(worst, steps);
  }
  EXPECT_LT(worst, 32);
}

TEST(SeccompProfile, ConditionsOfRulesAreResolved) {
  const char* kText =
      R"({"defaultAction":"SCMP_ACT_ERRNO","archMap":[{"architecture":"SCMP_ARCH_X86_64",)"
      R"("subArchitectures":["SCMP_ARCH_X86"]},{"architecture":"SCMP_ARCH_S390X","subArchitectures":null}],)"
      R"("syscalls":[{"names":["a"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_X"]}},)"
      R"({"names":["b"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_X"]}},)"
      R"({"names":["c"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"99.1"}},)"
      R"({"name":"d","action":"SCMP_ACT_ALLOW","args":null,"comment":"","includes":{"arches":["amd64"]}}]})";
  auto with = container::parse_seccomp_profile(kText, {"CAP_X"}), without = container::parse_seccomp_profile(kText, {});
  ASSERT_EQ(with.syscalls.size(), 2U);
  EXPECT_EQ(with.syscalls[0].names[0], "a");
  EXPECT_EQ(with.syscalls[1].names[0], "d");
  EXPECT_EQ(without.syscalls[0].names[0], "b");
  EXPECT_EQ(with.architectures, (std::vector<std::string>{"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"}));
}

TEST(SeccompProfile, RefusalsSayThatTheProfileCouldNotBeDecoded) {
  for (const char* text :
       {"", "{", "[]", R"({"defaultAction":7,"syscalls":[]})",
        R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"name":"a","names":["b"],"action":"x"}]})"}) {
    try {
      container::parse_seccomp_profile(text, {});
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
      EXPECT_TRUE(e.message().starts_with("Decoding seccomp profile failed: ")) << e.message();
    }
  }
}
