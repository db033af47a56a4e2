// SPDX-License-Identifier: Apache-2.0
#include "linux/seccomp_syscalls.h"

#include <seccomp.h>

#include <algorithm>
#include <array>

namespace hull::linux {

namespace {

constexpr SeccompArchName kArchs[] = {
    {"SCMP_ARCH_X86", SCMP_ARCH_X86, SCMP_ARCH_X86, false, true},
    {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64, SCMP_ARCH_X86_64, true, false},
    {"SCMP_ARCH_X32", SCMP_ARCH_X32, SCMP_ARCH_X86_64, false, false},
    {"SCMP_ARCH_ARM", SCMP_ARCH_ARM, SCMP_ARCH_ARM, false, false},
    {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64, SCMP_ARCH_AARCH64, true, false},
    {"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS, SCMP_ARCH_MIPS, false, false},
    {"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64, true, false},
    {"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32, SCMP_ARCH_MIPS64N32, false, false},
    {"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL, false, false},
    {"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL64, true, false},
    {"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32, SCMP_ARCH_MIPSEL64N32, false, false},
    {"SCMP_ARCH_PPC", SCMP_ARCH_PPC, SCMP_ARCH_PPC, false, true},
    {"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64, SCMP_ARCH_PPC64, true, true},
    {"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE, SCMP_ARCH_PPC64LE, true, true},
    {"SCMP_ARCH_S390", SCMP_ARCH_S390, SCMP_ARCH_S390, false, true},
    {"SCMP_ARCH_S390X", SCMP_ARCH_S390X, SCMP_ARCH_S390X, true, true},
    {"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC, SCMP_ARCH_PARISC, false, false},
    {"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64, SCMP_ARCH_PARISC64, true, false},
    {"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64, SCMP_ARCH_RISCV64, true, false},
};

constexpr std::uint32_t kX32Bit = 0x40000000;

// Calls that are younger than the tables of the libseccomp we build with. Since Linux 5.1 a new call has the
// same number on every architecture.
struct YoungCall {
  std::string_view name;
  std::uint32_t number;
};
constexpr YoungCall kYoungCalls[] = {
    {"cachestat", 451},         {"fchmodat2", 452},         {"map_shadow_stack", 453}, {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},     {"statmount", 457},        {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},        {"listxattrat", 465},      {"removexattrat", 466},
    {"open_tree_attr", 467},    {"file_getattr", 468},      {"file_setattr", 469},
};
constexpr std::uint32_t kX86Uretprobe = 335;
constexpr std::uint32_t kRiscvHwprobe = 258;

// libseccomp answers with -100 - n for operation n of socketcall(2), and -200 - n for ipc(2).
struct DirectCall {
  std::string_view name;
  std::uint32_t x86, ppc, s390;  // 0: there is no direct call
};
constexpr DirectCall kDirectCalls[] = {
    {"socket", 359, 326, 359},      {"bind", 361, 327, 361},       {"connect", 362, 328, 362},
    {"listen", 363, 329, 363},      {"accept", 0, 330, 0},         {"getsockname", 367, 331, 367},
    {"getpeername", 368, 332, 368}, {"socketpair", 360, 333, 360}, {"send", 0, 334, 0},
    {"sendto", 369, 335, 369},      {"recv", 0, 336, 0},           {"recvfrom", 371, 337, 371},
    {"shutdown", 373, 338, 373},    {"setsockopt", 366, 339, 366}, {"getsockopt", 365, 340, 365},
    {"sendmsg", 370, 341, 370},     {"recvmsg", 372, 342, 372},    {"recvmmsg", 337, 343, 357},
    {"accept4", 364, 344, 364},     {"sendmmsg", 345, 349, 358},   {"semget", 393, 393, 393},
    {"semctl", 394, 394, 394},      {"shmget", 395, 395, 395},     {"shmctl", 396, 396, 396},
    {"shmat", 397, 397, 397},       {"shmdt", 398, 398, 398},      {"msgget", 399, 399, 399},
    {"msgsnd", 400, 400, 400},      {"msgrcv", 401, 401, 401},     {"msgctl", 402, 402, 402},
    {"semtimedop", 0, 392, 392},
};

std::uint32_t direct_call(const SeccompArchName& arch, std::string_view name) {
  for (const DirectCall& call : kDirectCalls) {
    if (call.name != name) continue;
    if (arch.token == SCMP_ARCH_X86) return call.x86;
    bool s390 = arch.token == SCMP_ARCH_S390 || arch.token == SCMP_ARCH_S390X;
    return s390 ? call.s390 : call.ppc;
  }
  return 0;
}

std::optional<std::uint32_t> young_call(const SeccompArchName& arch, std::string_view name) {
  std::uint32_t bit = arch.token == SCMP_ARCH_X32 ? kX32Bit : 0;
  for (const YoungCall& call : kYoungCalls)
    if (call.name == name) return call.number | bit;
  bool x86_64 = arch.token == SCMP_ARCH_X86_64 || arch.token == SCMP_ARCH_X32;
  if (name == "uretprobe" && x86_64) return kX86Uretprobe | bit;
  if (name == "riscv_hwprobe" && arch.token == SCMP_ARCH_RISCV64) return kRiscvHwprobe;
  return std::nullopt;
}

bool is_x32_number(int number) { return (static_cast<std::uint32_t>(number) & 0xc0000000U) == kX32Bit; }

}  // namespace

const SeccompArchName* find_seccomp_arch(std::string_view name) {
  auto found = std::find_if(std::begin(kArchs), std::end(kArchs), [&](const auto& arch) { return arch.name == name; });
  return found == std::end(kArchs) ? nullptr : found;
}

std::vector<std::string> seccomp_arch_names() {
  std::vector<std::string> names;
  for (const auto& arch : kArchs) names.emplace_back(arch.name);
  return names;
}

const SeccompArchName& native_seccomp_arch() {
  static const SeccompArchName& native = [&]() -> const SeccompArchName& {
    std::uint32_t token = ::seccomp_arch_native();
    for (const auto& arch : kArchs)
      if (arch.token == token) return arch;
    return kArchs[1];
  }();
  return native;
}

std::vector<SyscallNumber> syscall_numbers(const SeccompArchName& arch, const std::string& name) {
  int number = ::seccomp_syscall_resolve_name_arch(arch.token, name.c_str());
  if (number >= 0 && (arch.token != SCMP_ARCH_X32 || is_x32_number(number))) {
    std::vector<SyscallNumber> found{{static_cast<std::uint32_t>(number), {}}};
    return found;
  }
  std::vector<SyscallNumber> found;
  if (arch.multiplexed && number <= -100 && number > -300) {
    const char* multiplexer = number > -200 ? "socketcall" : "ipc";
    int real = ::seccomp_syscall_resolve_name_arch(arch.token, multiplexer);
    auto operation = static_cast<std::uint32_t>(-number % 100);
    if (real >= 0) found.push_back({static_cast<std::uint32_t>(real), operation});
    if (std::uint32_t direct = direct_call(arch, name)) found.push_back({direct, {}});
    return found;
  }
  if (auto young = young_call(arch, name)) found.push_back({*young, {}});
  return found;
}

}  // namespace hull::linux
