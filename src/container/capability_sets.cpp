// SPDX-License-Identifier: Apache-2.0
#include "container/capability_sets.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "container/machine_facts.h"

namespace hull::container {

namespace {

// The index is the kernel's number, see capabilities(7).
constexpr std::array<std::string_view, 41> kNames = {"CAP_CHOWN",
                                                     "CAP_DAC_OVERRIDE",
                                                     "CAP_DAC_READ_SEARCH",
                                                     "CAP_FOWNER",
                                                     "CAP_FSETID",
                                                     "CAP_KILL",
                                                     "CAP_SETGID",
                                                     "CAP_SETUID",
                                                     "CAP_SETPCAP",
                                                     "CAP_LINUX_IMMUTABLE",
                                                     "CAP_NET_BIND_SERVICE",
                                                     "CAP_NET_BROADCAST",
                                                     "CAP_NET_ADMIN",
                                                     "CAP_NET_RAW",
                                                     "CAP_IPC_LOCK",
                                                     "CAP_IPC_OWNER",
                                                     "CAP_SYS_MODULE",
                                                     "CAP_SYS_RAWIO",
                                                     "CAP_SYS_CHROOT",
                                                     "CAP_SYS_PTRACE",
                                                     "CAP_SYS_PACCT",
                                                     "CAP_SYS_ADMIN",
                                                     "CAP_SYS_BOOT",
                                                     "CAP_SYS_NICE",
                                                     "CAP_SYS_RESOURCE",
                                                     "CAP_SYS_TIME",
                                                     "CAP_SYS_TTY_CONFIG",
                                                     "CAP_MKNOD",
                                                     "CAP_LEASE",
                                                     "CAP_AUDIT_WRITE",
                                                     "CAP_AUDIT_CONTROL",
                                                     "CAP_SETFCAP",
                                                     "CAP_MAC_OVERRIDE",
                                                     "CAP_MAC_ADMIN",
                                                     "CAP_SYSLOG",
                                                     "CAP_WAKE_ALARM",
                                                     "CAP_BLOCK_SUSPEND",
                                                     "CAP_AUDIT_READ",
                                                     "CAP_PERFMON",
                                                     "CAP_BPF",
                                                     "CAP_CHECKPOINT_RESTORE"};

constexpr std::string_view kAll = "ALL";

constexpr std::uint64_t bit_of(std::string_view name) {
  for (std::size_t number = 0; number < kNames.size(); ++number)
    if (kNames[number] == name) return std::uint64_t{1} << number;
  return 0;
}

constexpr std::uint64_t kDefault = bit_of("CAP_CHOWN") | bit_of("CAP_DAC_OVERRIDE") | bit_of("CAP_FSETID") |
                                   bit_of("CAP_FOWNER") | bit_of("CAP_MKNOD") | bit_of("CAP_NET_RAW") |
                                   bit_of("CAP_SETGID") | bit_of("CAP_SETUID") | bit_of("CAP_SETFCAP") |
                                   bit_of("CAP_SETPCAP") | bit_of("CAP_NET_BIND_SERVICE") | bit_of("CAP_SYS_CHROOT") |
                                   bit_of("CAP_KILL") | bit_of("CAP_AUDIT_WRITE");

Strings names_of(std::uint64_t set) {
  Strings names;
  for (std::size_t number = 0; number < kNames.size(); ++number)
    if ((set >> number) & 1) names.emplace_back(kNames[number]);
  return names;
}

struct Wish {
  bool all = false;
  std::uint64_t set = 0;
};
Wish wish_of(const std::optional<Strings>& names) {
  Wish wish;
  for (const std::string& name : full_capability_names(names)) {
    if (name == kAll) wish.all = true;
    wish.set |= bit_of(name);
  }
  return wish;
}

std::uint64_t chosen(const HostConfig& host) {
  const std::uint64_t available = machine_facts().capabilities;
  if (host.privileged) return available;
  Wish add = wish_of(host.cap_add), drop = wish_of(host.cap_drop);
  if (add.all) return available & ~drop.set;
  if (drop.all) return add.set;
  return ((kDefault & ~drop.set) | add.set) & available;
}

}  // namespace

Strings full_capability_names(const std::optional<Strings>& names) {
  Strings full;
  for (const std::string& name : names.value_or(Strings{})) {
    std::string upper_name = upper(name);
    if (upper_name != kAll && !upper_name.starts_with("CAP_")) upper_name.insert(0, "CAP_");
    if (upper_name != kAll) {
      std::uint64_t bit = bit_of(upper_name);
      if (bit == 0) fail_invalid("unknown capability: ", quoted(upper_name));
      if ((machine_facts().capabilities & bit) == 0)
        fail_invalid("capability not supported by your kernel or not available in the current environment: ",
                     quoted(upper_name));
    }
    full.push_back(std::move(upper_name));
  }
  return full;
}

Strings all_capabilities() { return names_of(machine_facts().capabilities); }

Strings container_capabilities(const HostConfig& host) { return names_of(chosen(host)); }

}  // namespace hull::container
