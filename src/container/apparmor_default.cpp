// SPDX-License-Identifier: Apache-2.0
#include "container/apparmor_default.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "linux/child.h"
#include "linux/lsm.h"

namespace hull::container {

namespace {

constexpr const char* kProfiles = "/sys/kernel/security/apparmor/profiles";
constexpr std::string_view kParsers[] = {"/usr/sbin/apparmor_parser", "/sbin/apparmor_parser"};
constexpr int kPatience = 30;  // seconds

// Globs have no "all but": what is not below a directory is spelled out letter by letter.
constexpr std::string_view kRules = R"(
  network,
  capability,
  file,
  umount,

  # Who is not confined may stop a container, and its processes may signal and trace each other.
  signal (receive) peer=unconfined,
  signal (send,receive) peer=@PROFILE@,
  ptrace (trace,read,tracedby,readby) peer=@PROFILE@,

  # Of /proc: nothing but processes, and of the kernel's settings those of shared memory, and of own namespaces.
  deny /proc/* w,
  deny /proc/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9/]*}/** w,
  deny /proc/sys/[^k]** w,
  deny /proc/sys/kernel/{?,??,[^s][^h][^m]**} w,
  deny /proc/sysrq-trigger rwklx,
  deny /proc/kcore rwklx,

  deny mount,

  # Of /sys: nothing but control groups.
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,
)";

bool is_loaded() {
  const std::string profiles = read_if_exists(kProfiles).value_or("");
  return cat("\n", profiles).find(cat("\n", kDefaultAppArmorProfile, " ")) != std::string::npos;
}

std::string parser() {
  for (std::string_view path : kParsers)
    if (exists(std::string(path))) return std::string(path);
  return {};
}

}  // namespace

std::string default_apparmor_profile() {
  std::string rules(kRules);
  constexpr std::string_view kName = "@PROFILE@";
  for (auto at = rules.find(kName); at != rules.npos; at = rules.find(kName))
    rules.replace(at, kName.size(), kDefaultAppArmorProfile);
  return cat("profile ", kDefaultAppArmorProfile, " flags=(attach_disconnected,mediate_deleted) {", rules, "}\n");
}

void load_default_apparmor_profile() {
  if (!linux::apparmor_enabled() || !exists(kProfiles) || is_loaded()) return;
  const std::string program = parser();
  if (program.empty()) {
    log::warn(
        "this machine has AppArmor, but apparmor_parser is not installed: containers run without its profile "
        "(install the package apparmor, and start hulld again)");
    return;
  }
  try {
    linux::run_with_input(program, {program, "--skip-cache", "--replace"}, {}, default_apparmor_profile(), kPatience);
  } catch (const Error& e) {
    log::warn("containers run without a profile of AppArmor: ", e.message());
  }
}

}  // namespace hull::container
