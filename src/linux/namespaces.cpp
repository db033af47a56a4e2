// SPDX-License-Identifier: Apache-2.0
#include "linux/namespaces.h"

#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "base/file.h"
#include "linux/child.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace hull::linux {

namespace {

struct Type {
  std::string_view name;
  int flag;
};
constexpr Type kTypes[] = {
    {"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS}, {"pid", CLONE_NEWPID},       {"network", CLONE_NEWNET},
    {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS},  {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

void write_procfs(const std::string& path, std::string_view text) {
  UniqueFd fd = open_file(path, O_WRONLY);
  // One write: the maps of a user namespace can be given only once.
  check(::write(fd.get(), text.data(), text.size()), "write", path);
}

std::string map_text(const std::vector<oci::IdMapping>& mappings) {
  std::string text;
  for (const auto& mapping : mappings) text += cat(mapping.container_id, " ", mapping.host_id, " ", mapping.size, "\n");
  return text;
}

}  // namespace

std::optional<int> namespace_flag(std::string_view type) {
  for (const auto& known : kTypes)
    if (known.name == type) return known.flag;
  return std::nullopt;
}

int all_namespace_flags() {
  int flags = 0;
  for (const auto& known : kTypes) flags |= known.flag;
  return flags;
}

std::string_view namespace_name(int flag) {
  for (const auto& known : kTypes)
    if (known.flag == flag) return known.name;
  return "unknown";
}

UniqueFd open_namespace(const std::string& path, int flag) {
  constexpr unsigned long kGetType = _IO(0xb7, 0x3);  // NS_GET_NSTYPE
  UniqueFd fd = open_file(path, O_RDONLY);
  if (::ioctl(fd.get(), kGetType) != flag)
    throw_errno(cat("open as ", namespace_name(flag), " namespace"), path, EINVAL);
  return fd;
}

void enter_namespace(int fd, int flag) {
  if (::setns(fd, flag) < 0) throw_errno("setns", namespace_name(flag));
}

void enter_all_namespaces(int pidfd) {
  int flags = all_namespace_flags();
  if (::setns(pidfd, flags) == 0) return;
  if (errno == EINVAL && ::setns(pidfd, flags & ~CLONE_NEWUSER) == 0) return;
  throw_errno("setns", "all namespaces");
}

void leave_namespaces(int flags) { check(::unshare(flags), "unshare"); }

void write_id_maps(pid_t pid, const std::vector<oci::IdMapping>& uids, const std::vector<oci::IdMapping>& gids) {
  // The kernel demands this of whoever lacks CAP_SETGID over the parent namespace.
  if (::geteuid() != 0) write_procfs(cat("/proc/", pid, "/setgroups"), "deny");
  if (!gids.empty()) write_procfs(cat("/proc/", pid, "/gid_map"), map_text(gids));
  if (!uids.empty()) write_procfs(cat("/proc/", pid, "/uid_map"), map_text(uids));
}

UniqueFd make_user_namespace(const std::vector<oci::IdMapping>& uids, const std::vector<oci::IdMapping>& gids) {
  UniqueFd pidfd;
  pid_t pid = clone_process(CLONE_NEWUSER, -1, pidfd);
  if (pid == 0)
    for (;;) ::pause();
  Child holder(pid, std::move(pidfd));
  write_id_maps(pid, uids, gids);
  return open_file(cat("/proc/", pid, "/ns/user"), O_RDONLY);
}

void make_time_namespace(const std::map<std::string, oci::TimeOffset>& offsets) {
  leave_namespaces(CLONE_NEWTIME);
  std::string text;
  for (const auto& [clock, offset] : offsets) text += cat(clock, " ", offset.secs, " ", offset.nanosecs, "\n");
  if (!text.empty()) write_procfs("/proc/self/timens_offsets", text);
}

void set_hostname(const std::string& name) { check(::sethostname(name.data(), name.size()), "sethostname", name); }
void set_domainname(const std::string& name) {
  check(::setdomainname(name.data(), name.size()), "setdomainname", name);
}

void bring_loopback_up() {
  UniqueFd socket(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  check(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "set up", "lo");
}

}  // namespace hull::linux
