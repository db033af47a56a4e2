// SPDX-License-Identifier: Apache-2.0
#include "container/seccomp_profile.h"

#include <sys/utsname.h>

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "base/text.h"
#include "container/default_seccomp.h"
#include "oci/json.h"

namespace hull::container {

namespace {

using Version = std::pair<unsigned, unsigned>;

// "6.1.0-56-amd64" or "4.8": the first two numbers.
std::optional<Version> parse_version(std::string_view text) {
  auto [major, rest] = split_once(text, '.');
  auto major_number = parse_number<unsigned>(major);
  std::string_view minor = rest.value_or("");
  minor = minor.substr(0, minor.find_first_not_of("0123456789"));
  auto minor_number = parse_number<unsigned>(minor);
  if (!major_number || !minor_number) return std::nullopt;
  return Version{*major_number, *minor_number};
}

SeccompHost find_host() {
  struct Machine {
    std::string_view uname, arch, scmp_arch;
  };
  constexpr Machine kMachines[] = {
      {"x86_64", "amd64", "SCMP_ARCH_X86_64"},
      {"i686", "x86", "SCMP_ARCH_X86"},
      {"aarch64", "arm64", "SCMP_ARCH_AARCH64"},
      {"armv7l", "arm", "SCMP_ARCH_ARM"},
      {"ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE"},
      {"s390x", "s390x", "SCMP_ARCH_S390X"},
      {"riscv64", "riscv64", "SCMP_ARCH_RISCV64"},
      {"mips64", "mips64", "SCMP_ARCH_MIPS64"},
      {"loongarch64", "loong64", "SCMP_ARCH_LOONGARCH64"},
  };
  utsname name{};
  check(::uname(&name), "uname");
  SeccompHost host;
  for (const Machine& machine : kMachines) {
    if (machine.uname != name.machine) continue;
    host.arch = machine.arch;
    host.scmp_arch = machine.scmp_arch;
  }
  if (auto version = parse_version(name.release)) std::tie(host.kernel_major, host.kernel_minor) = *version;
  return host;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool kernel_at_least(const SeccompHost& host, const std::string& wanted) {
  auto version = parse_version(wanted);
  if (!version)
    fail_invalid("invalid minKernel ", hull::quoted(wanted), " in the seccomp profile: expected two numbers, like 4.8");
  return Version{host.kernel_major, host.kernel_minor} >= *version;
}

bool all_met(const SeccompFilter& filter, const std::vector<std::string>& capabilities, const SeccompHost& host) {
  if (!filter.arches.empty() && !contains(filter.arches, host.arch)) return false;
  for (const std::string& capability : filter.caps)
    if (!contains(capabilities, capability)) return false;
  return filter.min_kernel.empty() || kernel_at_least(host, filter.min_kernel);
}

bool any_met(const SeccompFilter& filter, const std::vector<std::string>& capabilities, const SeccompHost& host) {
  if (contains(filter.arches, host.arch)) return true;
  for (const std::string& capability : filter.caps)
    if (contains(capabilities, capability)) return true;
  return !filter.min_kernel.empty() && kernel_at_least(host, filter.min_kernel);
}

oci::SyscallRule without_conditions(const SeccompProfileRule& rule) {
  if (!rule.name.empty() && !rule.names.empty())
    fail_invalid("'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'");
  oci::SyscallRule out;
  out.names = rule.name.empty() ? rule.names : std::vector<std::string>{rule.name};
  out.action = rule.action;
  out.errno_ret = rule.errno_ret;
  out.args = rule.args;
  return out;
}

std::vector<std::string> architectures_of(const SeccompProfile& profile, const SeccompHost& host) {
  if (!profile.architectures.empty() && !profile.arch_map.empty())
    fail_invalid(
        "'architectures' and 'archMap' were specified in the seccomp profile, use either 'architectures' or 'archMap'");
  if (!profile.architectures.empty()) return profile.architectures;
  std::vector<std::string> names;
  for (const auto& group : profile.arch_map) {
    if (group.architecture != host.scmp_arch) continue;
    names.push_back(group.architecture);
    names.insert(names.end(), group.sub_architectures.begin(), group.sub_architectures.end());
    break;
  }
  return names;
}

}  // namespace

const SeccompHost& seccomp_host() {
  static const SeccompHost host = find_host();
  return host;
}

oci::Seccomp resolve_profile(const SeccompProfile& profile, const std::vector<std::string>& capabilities,
                             const SeccompHost& host) {
  oci::Seccomp out;
  out.default_action = profile.default_action;
  out.default_errno_ret = profile.default_errno_ret;
  out.architectures = architectures_of(profile, host);
  out.flags = profile.flags;
  out.listener_path = profile.listener_path;
  out.listener_metadata = profile.listener_metadata;
  for (const auto& rule : profile.syscalls) {
    if (rule.excludes && any_met(*rule.excludes, capabilities, host)) continue;
    if (rule.includes && !all_met(*rule.includes, capabilities, host)) continue;
    out.syscalls.push_back(without_conditions(rule));
  }
  return out;
}

oci::Seccomp default_seccomp(const std::vector<std::string>& capabilities) {
  return resolve_profile(default_seccomp_profile(), capabilities, seccomp_host());
}

oci::Seccomp parse_seccomp_profile(const std::string& json, const std::vector<std::string>& capabilities) {
  try {
    auto profile = from_json<SeccompProfile>(parse_json(json));
    // Docker takes "{}" for "no profile": everything is allowed.
    if (profile.default_action.empty() && profile.syscalls.empty()) profile.default_action = "SCMP_ACT_ALLOW";
    return resolve_profile(profile, capabilities, seccomp_host());
  } catch (const Error& e) {
    if (e.kind() != Kind::kInvalidArgument) throw;
    throw e.within("Decoding seccomp profile failed");
  }
}

}  // namespace hull::container
