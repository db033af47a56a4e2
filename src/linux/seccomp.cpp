// SPDX-License-Identifier: Apache-2.0
#include "linux/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "linux/seccomp_program.h"
#include "linux/seccomp_syscalls.h"
#include "oci/runtime_config.h"

// The rules are libseccomp's, as runc uses it: a rule without conditions beats those with conditions, the
// first of two such rules wins, and a rule that says what the default says anyway is no rule. Calls that are
// younger than everything the profile names fail with ENOSYS instead of the default, so that the C library
// falls back to older ones.
namespace hull::linux {

namespace {

template <class Value>
struct Named {
  std::string_view name;
  Value value;
};

constexpr Named<std::uint32_t> kActions[] = {
    {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
    {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
    {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
    {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
    {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE},
    {"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
    {"SCMP_ACT_LOG", SECCOMP_RET_LOG},
    {"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF},
};

constexpr Named<SeccompCompare> kOperators[] = {
    {"SCMP_CMP_NE", SeccompCompare::kNotEqual},           {"SCMP_CMP_LT", SeccompCompare::kLess},
    {"SCMP_CMP_LE", SeccompCompare::kLessEqual},          {"SCMP_CMP_EQ", SeccompCompare::kEqual},
    {"SCMP_CMP_GE", SeccompCompare::kGreaterEqual},       {"SCMP_CMP_GT", SeccompCompare::kGreater},
    {"SCMP_CMP_MASKED_EQ", SeccompCompare::kMaskedEqual},
};

// TSYNC is accepted and means nothing here: the process that loads the program has one thread.
constexpr Named<unsigned> kFlags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", 0},
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

template <class Table>
auto look_up(const Table& table, const std::string& name, std::string_view what) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.value;
  fail_invalid("seccomp: string ", name, " is not a valid ", what, " for seccomp");
}

std::uint32_t verdict_of(const std::string& action, const std::optional<std::uint32_t>& errno_ret) {
  std::uint32_t verdict = look_up(kActions, action, "action");
  bool with_data = verdict == SECCOMP_RET_ERRNO || verdict == SECCOMP_RET_TRACE;
  return with_data ? verdict | (errno_ret.value_or(EPERM) & SECCOMP_RET_DATA) : verdict;
}

// A rule with its names taken off: what it asks for and what follows. Two conditions on one argument were
// alternatives in runc's beginnings, and profiles rely on it.
std::vector<SeccompBranch> branches_of(const oci::SyscallRule& rule, std::uint32_t verdict) {
  std::vector<SeccompCondition> conditions;
  std::set<std::uint32_t> seen;
  bool repeated = false;
  for (const auto& arg : rule.args) {
    if (arg.index > 5) fail_invalid("seccomp: system calls have six arguments, there is no argument ", arg.index);
    SeccompCondition condition{arg.index, look_up(kOperators, arg.op, "operator"), arg.value, ~0ULL};
    if (condition.compare == SeccompCompare::kMaskedEqual) {
      condition.mask = arg.value;
      condition.value = arg.value_two;
    }
    repeated |= !seen.insert(arg.index).second;
    conditions.push_back(condition);
  }
  if (!repeated) return {SeccompBranch{std::move(conditions), verdict}};
  std::vector<SeccompBranch> branches;
  for (const auto& condition : conditions) branches.push_back({{condition}, verdict});
  return branches;
}

// The branch as it looks through socketcall(2) or ipc(2): the first argument says which operation it is.
SeccompBranch through_multiplexer(const SeccompBranch& branch, std::uint32_t operation) {
  SeccompBranch out = branch;
  std::erase_if(out.conditions, [](const auto& condition) { return condition.argument == 0; });
  out.conditions.insert(out.conditions.begin(), {0, SeccompCompare::kEqual, operation, ~0ULL});
  return out;
}

struct Call {
  std::optional<std::uint32_t> unconditional;
  std::vector<SeccompBranch> branches;
};

void add_branch(Call& call, const SeccompBranch& branch) {
  if (!branch.conditions.empty()) {
    call.branches.push_back(branch);
  } else if (!call.unconditional) {
    call.unconditional = branch.verdict;
  }
}

bool permissive(std::uint32_t verdict) {
  std::uint32_t action = verdict & SECCOMP_RET_ACTION_FULL;
  return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG || action == SECCOMP_RET_TRACE;
}

constexpr std::uint32_t kX32Bit = 0x40000000;

SeccompArch frame_of(const SeccompArchName& name) {
  SeccompArch arch;
  arch.audit_arch = name.audit_arch;
  arch.wide = name.wide;
  if (name.name == "SCMP_ARCH_X86_64") arch.last = kX32Bit - 1;
  if (name.name == "SCMP_ARCH_X32") arch.first = kX32Bit;
  return arch;
}

struct Rule {
  const oci::SyscallRule* source;
  std::vector<SeccompBranch> branches;
  bool redundant;  // says what the default says
};

SeccompArch resolve(const SeccompArchName& name, const std::vector<Rule>& rules, std::uint32_t fallback) {
  SeccompArch arch = frame_of(name);
  std::map<std::uint32_t, Call> calls;
  for (const Rule& rule : rules) {
    for (const std::string& syscall : rule.source->names) {
      for (const SyscallNumber& way : syscall_numbers(name, syscall)) {
        Call& call = calls[way.number];
        if (rule.redundant) continue;
        for (const auto& branch : rule.branches)
          add_branch(call, way.operation ? through_multiplexer(branch, *way.operation) : branch);
      }
    }
  }
  for (auto& [number, call] : calls) {
    if (call.unconditional) call.branches.clear();
    arch.calls[number] = {std::move(call.branches), call.unconditional.value_or(fallback)};
  }
  arch.unlisted = fallback;
  arch.beyond = permissive(fallback) ? fallback : SECCOMP_RET_ERRNO | ENOSYS;
  return arch;
}

std::vector<const SeccompArchName*> architectures_of(const oci::Seccomp& profile) {
  std::vector<const SeccompArchName*> names{&native_seccomp_arch()};
  for (const std::string& name : profile.architectures) {
    if (name == "SCMP_ARCH_NATIVE") continue;
    const SeccompArchName* arch = find_seccomp_arch(name);
    if (!arch) {
      // Younger than the libseccomp we build with, and so not this machine's.
      if (name == "SCMP_ARCH_LOONGARCH64" || name == "SCMP_ARCH_M68K" || name.starts_with("SCMP_ARCH_SH")) continue;
      fail_invalid("seccomp: string ", name, " is not a valid arch for seccomp");
    }
    if (std::find(names.begin(), names.end(), arch) == names.end()) names.push_back(arch);
  }
  return names;
}

int install(std::string_view program, unsigned flags) {
  sock_fprog filter{static_cast<unsigned short>(program.size() / sizeof(sock_filter)),
                    // The kernel only reads it.
                    reinterpret_cast<sock_filter*>(const_cast<char*>(program.data()))};
  return static_cast<int>(check(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter), "seccomp"));
}

}  // namespace

std::string compile_seccomp(const oci::Seccomp& profile) {
  std::uint32_t fallback = verdict_of(profile.default_action, profile.default_errno_ret);
  if (fallback == SECCOMP_RET_USER_NOTIF) fail_invalid("seccomp: SCMP_ACT_NOTIFY cannot be used as default action");
  std::vector<Rule> rules;
  for (const auto& source : profile.syscalls) {
    std::uint32_t verdict = verdict_of(source.action, source.errno_ret);
    bool writes = std::find(source.names.begin(), source.names.end(), "write") != source.names.end();
    if (verdict == SECCOMP_RET_USER_NOTIF && writes)
      fail_invalid("seccomp: SCMP_ACT_NOTIFY cannot be used for the write syscall");
    rules.push_back({&source, branches_of(source, verdict), verdict == fallback});
  }
  std::vector<SeccompArch> architectures;
  for (const SeccompArchName* name : architectures_of(profile))
    architectures.push_back(resolve(*name, rules, fallback));
  return generate_seccomp_program(architectures, SECCOMP_RET_KILL_THREAD);
}

SeccompNames known_seccomp_names() {
  SeccompNames names;
  for (const auto& one : kActions) names.actions.emplace_back(one.name);
  for (const auto& one : kOperators) names.operators.emplace_back(one.name);
  for (const auto& one : kFlags) names.flags.emplace_back(one.name);
  names.architectures = seccomp_arch_names();
  return names;
}

bool seccomp_announces(const oci::Seccomp& profile) {
  return std::ranges::any_of(profile.syscalls, [](const auto& rule) { return rule.action == "SCMP_ACT_NOTIFY"; });
}

unsigned seccomp_flags(const oci::Seccomp& profile) {
  // Without flags of its own a profile does not ask for the speculation barriers, which cost much.
  if (profile.flags.empty()) return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  unsigned flags = 0;
  for (const std::string& name : profile.flags) flags |= look_up(kFlags, name, "flag");
  return flags;
}

void load_seccomp_program(std::string_view program, unsigned flags) { install(program, flags); }

UniqueFd load_seccomp_listener(std::string_view program, unsigned flags) {
  return UniqueFd(install(program, flags | SECCOMP_FILTER_FLAG_NEW_LISTENER));
}

}  // namespace hull::linux
