// SPDX-License-Identifier: Apache-2.0
#include "container/default_seccomp.h"

#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <initializer_list>

#include "base/text.h"
#include "container/default_seccomp_calls.h"
#include "container/seccomp_profile.h"

// Docker's default behaviour, as tables: everything is refused with EPERM but what is listed here. What
// depends on a capability is open to whoever has it, because the kernel checks that capability itself.
namespace hull::container {

namespace {

constexpr char kAllow[] = "SCMP_ACT_ALLOW";

struct ForCapability {
  std::string_view capability, calls;
};
constexpr ForCapability kForCapability[] = {
    {"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    {"CAP_SYS_ADMIN",
     "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules "
     "lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname "
     "sethostname setns syslog umount umount2 unshare"},
    {"CAP_SYS_BOOT", "reboot"},
    {"CAP_SYS_CHROOT", "chroot"},
    {"CAP_SYS_MODULE", "delete_module init_module finit_module"},
    {"CAP_SYS_PACCT", "acct"},
    {"CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"},
    {"CAP_SYS_RAWIO", "iopl ioperm"},
    {"CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"},
    {"CAP_SYS_TTY_CONFIG", "vhangup"},
    {"CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {"CAP_SYSLOG", "syslog"},
    {"CAP_BPF", "bpf"},
    {"CAP_PERFMON", "perf_event_open"},
};

struct ForArchitecture {
  std::string_view arches, calls;
};
constexpr ForArchitecture kForArchitecture[] = {
    {"ppc64le", "sync_file_range2 swapcontext"},
    {"arm arm64", "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls"},
    {"amd64 x32", "arch_prctl"},
    {"amd64 x32 x86", "modify_ldt"},
    {"s390 s390x", "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"},
    {"riscv64", "riscv_flush_icache"},
};

struct ArchGroup {
  std::string_view architecture, others;  // programs of these run on it too
};
constexpr ArchGroup kArchGroups[] = {
    {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86 SCMP_ARCH_X32"},
    {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"},
    {"SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS SCMP_ARCH_MIPS64N32"},
    {"SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPS SCMP_ARCH_MIPS64"},
    {"SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64N32"},
    {"SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64"},
    {"SCMP_ARCH_S390X", "SCMP_ARCH_S390"},
    {"SCMP_ARCH_RISCV64", ""},
    {"SCMP_ARCH_LOONGARCH64", ""},
};

// PER_LINUX, PER_LINUX32, both with UNAME26, and "only tell me".
constexpr std::uint64_t kPersonalities[] = {0x0, 0x8, 0x20000, 0x20008, 0xffffffff};

// Socket families that stay closed: the kernel's cryptography has no use in containers and had holes;
// virtual-machine sockets reach past network namespaces. All others are open, AF_UNSPEC makes no socket.
constexpr std::uint64_t kClosedFamilies[] = {38 /* AF_ALG */, 40 /* AF_VSOCK */};

constexpr std::uint64_t kNewNamespace =
    CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (std::string_view word : split(text, ' '))
    if (!word.empty()) out.emplace_back(word);
  return out;
}

SeccompProfileRule allow(std::string_view calls) {
  SeccompProfileRule rule;
  rule.names = words(calls);
  rule.action = kAllow;
  return rule;
}

SeccompProfileRule allow_if(std::string_view call, oci::SyscallArg condition) {
  SeccompProfileRule rule = allow(call);
  rule.args.push_back(std::move(condition));
  return rule;
}

// The holes between the closed families: below the first, between them, above the last. A rule cannot bound
// one argument from both sides (two conditions on one argument are alternatives), so what lies between is
// listed one by one.
void add_socket_rules(std::vector<SeccompProfileRule>& rules) {
  constexpr std::uint64_t first = kClosedFamilies[0], last = kClosedFamilies[1];
  rules.push_back(allow_if("socket", {0, first, 0, "SCMP_CMP_LT"}));
  for (std::uint64_t family = first + 1; family < last; ++family)
    rules.push_back(allow_if("socket", {0, family, 0, "SCMP_CMP_EQ"}));
  rules.push_back(allow_if("socket", {0, last, 0, "SCMP_CMP_GT"}));
}

// Without CAP_SYS_ADMIN no new namespaces: clone(2) says so in its flags (second argument on s390). The flags
// of clone3(2) are behind a pointer, so it does not exist, and the C library goes back to clone(2).
void add_clone_rules(std::vector<SeccompProfileRule>& rules) {
  SeccompProfileRule usual = allow_if("clone", {0, kNewNamespace, 0, "SCMP_CMP_MASKED_EQ"});
  usual.excludes = SeccompFilter{{"CAP_SYS_ADMIN"}, {"s390", "s390x"}, {}};
  rules.push_back(std::move(usual));
  SeccompProfileRule s390 = allow_if("clone", {1, kNewNamespace, 0, "SCMP_CMP_MASKED_EQ"});
  s390.includes = SeccompFilter{{}, {"s390", "s390x"}, {}};
  s390.excludes = SeccompFilter{{"CAP_SYS_ADMIN"}, {}, {}};
  rules.push_back(std::move(s390));
  SeccompProfileRule clone3;
  clone3.names = {"clone3"};
  clone3.action = "SCMP_ACT_ERRNO";
  clone3.errno_ret = ENOSYS;
  clone3.excludes = SeccompFilter{{"CAP_SYS_ADMIN"}, {}, {}};
  rules.push_back(std::move(clone3));
}

}  // namespace

SeccompProfile default_seccomp_profile() {
  SeccompProfile profile;
  profile.default_action = "SCMP_ACT_ERRNO";
  profile.default_errno_ret = EPERM;
  for (const ArchGroup& group : kArchGroups)
    profile.arch_map.push_back({std::string(group.architecture), words(group.others)});
  auto& rules = profile.syscalls;
  rules.push_back(allow(kAlwaysAllowedCalls));
  SeccompProfileRule tracing = allow("process_vm_readv process_vm_writev ptrace");
  tracing.includes = SeccompFilter{{}, {}, "4.8"};  // before, a tracer could step past the filter
  rules.push_back(std::move(tracing));
  add_socket_rules(rules);
  for (std::uint64_t value : kPersonalities) rules.push_back(allow_if("personality", {0, value, 0, "SCMP_CMP_EQ"}));
  for (const ForArchitecture& entry : kForArchitecture) {
    rules.push_back(allow(entry.calls));
    rules.back().includes = SeccompFilter{{}, words(entry.arches), {}};
  }
  for (const ForCapability& entry : kForCapability) {
    rules.push_back(allow(entry.calls));
    rules.back().includes = SeccompFilter{{std::string(entry.capability)}, {}, {}};
  }
  add_clone_rules(rules);
  return profile;
}

}  // namespace hull::container
