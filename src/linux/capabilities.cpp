// SPDX-License-Identifier: Apache-2.0
#include "linux/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

namespace hull::linux {

namespace {

constexpr std::string_view kNames[] = {
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
};
static_assert(kCapSysAdmin == CapabilitySet{1} << CAP_SYS_ADMIN);

__user_cap_header_struct header() { return {_LINUX_CAPABILITY_VERSION_3, 0}; }

}  // namespace

std::optional<CapabilitySet> capability_bit(std::string_view name) {
  std::string wanted = upper(name);
  std::string_view bare = wanted;
  if (bare.starts_with("CAP_")) bare.remove_prefix(4);
  for (unsigned i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == bare) return CapabilitySet{1} << i;
  return std::nullopt;
}

CapabilitySet capability_set(const std::vector<std::string>& names) {
  CapabilitySet set = 0;
  for (const auto& name : names) set |= capability_bit(name).value_or(0);
  return set;
}

std::vector<std::string> all_capability_names() {
  std::vector<std::string> names;
  for (auto name : kNames) names.push_back(cat("CAP_", name));
  return names;
}

CapabilitySet permitted_capabilities() {
  auto head = header();
  __user_cap_data_struct data[2] = {};
  check(::syscall(SYS_capget, &head, data), "capget");
  return data[0].permitted | CapabilitySet{data[1].permitted} << 32;
}

void limit_bounding_set(CapabilitySet kept) {
  for (unsigned i = 0; i < 64; ++i) {
    if (kept >> i & 1) continue;
    if (::prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) return;  // past the last one that this kernel has
    throw_errno("drop capability", i < std::size(kNames) ? kNames[i] : "");
  }
}

void set_capabilities(CapabilitySet effective, CapabilitySet permitted, CapabilitySet inheritable) {
  auto head = header();
  __user_cap_data_struct data[2] = {};
  for (int half = 0; half < 2; ++half) {
    data[half].effective = static_cast<std::uint32_t>(effective >> (32 * half));
    data[half].permitted = static_cast<std::uint32_t>(permitted >> (32 * half));
    data[half].inheritable = static_cast<std::uint32_t>(inheritable >> (32 * half));
  }
  check(::syscall(SYS_capset, &head, data), "capset");
}

void set_ambient_capabilities(CapabilitySet ambient) {
  // Our caller's may be among what is permitted and inheritable.
  check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear ambient capabilities");
  for (unsigned i = 0; i < 64; ++i)
    if (ambient >> i & 1)
      check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0), "raise ambient capability", kNames[i]);
}

}  // namespace hull::linux
