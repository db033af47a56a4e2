// SPDX-License-Identifier: Apache-2.0
#include "linux/namespaces.h"

#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cstring>

#include "base/file.h"
#include "base/process.h"
#include "linux/child.h"
#include "linux/file_identity.h"
#include "linux/stream_io.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace hull::linux {

namespace {

struct Type {
  std::string_view name;
  int flag;
  std::string_view link;  // in /proc/<pid>/ns
};
constexpr Type kTypes[] = {
    {"user", CLONE_NEWUSER, "user"},       {"mount", CLONE_NEWNS, "mnt"},   {"pid", CLONE_NEWPID, "pid"},
    {"network", CLONE_NEWNET, "net"},      {"ipc", CLONE_NEWIPC, "ipc"},    {"uts", CLONE_NEWUTS, "uts"},
    {"cgroup", CLONE_NEWCGROUP, "cgroup"}, {"time", CLONE_NEWTIME, "time"},
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

bool maps_only(const std::vector<oci::IdMapping>& mappings, std::uint32_t id) {
  return mappings.size() == 1 && mappings[0].host_id == id && mappings[0].size == 1;
}

void map_by_program(const std::string& program, pid_t pid, const std::vector<oci::IdMapping>& mappings) {
  std::vector<std::string> command = {program, cat(pid)};
  for (const auto& mapping : mappings)
    for (std::uint32_t number : {mapping.container_id, mapping.host_id, mapping.size}) command.push_back(cat(number));
  auto done = run_program(command);
  if (done.exit_code != 0) fail(Kind::kInternal, program, ": ", trim(done.errors));
}

// The flags of the namespaces of that process that are not ours.
int other_namespaces(int pidfd) {
  std::string info = read_file(cat("/proc/self/fdinfo/", pidfd)), pid;
  for (std::string_view line : split(info, '\n'))
    if (line.starts_with("Pid:")) pid = trim(line.substr(4));
  int flags = 0;
  for (const auto& type : kTypes) {
    auto theirs = identity_of(cat("/proc/", pid, "/ns/", type.link)),
         ours = identity_of(cat("/proc/self/ns/", type.link));
    if (theirs && theirs != ours) flags |= type.flag;
  }
  return flags;
}

// A process that only keeps new namespaces open, and does not outlive the calling thread. `prepare` runs in it. System
// calls only: other threads of the parent may hold any lock.
template <class Prepare>
Child hold_namespaces(std::uint64_t flags, Prepare prepare) {
  UniqueFd pidfd;
  pid_t parent = ::getpid();
  pid_t pid = clone_process(flags, -1, pidfd);
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
    prepare();
    for (;;) ::pause();
  }
  return Child(pid, std::move(pidfd));
}
Child hold_namespaces(std::uint64_t flags) {
  return hold_namespaces(flags, [] {});
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
  if (errno == EPERM && ::setns(pidfd, other_namespaces(pidfd)) == 0) return;
  throw_errno("setns", "all namespaces");
}

void leave_namespaces(int flags) { check(::unshare(flags), "unshare"); }

void write_id_maps(pid_t pid, const std::vector<oci::IdMapping>& uids, const std::vector<oci::IdMapping>& gids) {
  if (::geteuid() != 0 && !(maps_only(uids, ::geteuid()) && maps_only(gids, ::getegid()))) {
    map_by_program("newuidmap", pid, uids);
    map_by_program("newgidmap", pid, gids);
    return;
  }
  // The kernel demands this of whoever lacks CAP_SETGID over the parent namespace.
  if (::geteuid() != 0) write_procfs(cat("/proc/", pid, "/setgroups"), "deny");
  if (!gids.empty()) write_procfs(cat("/proc/", pid, "/gid_map"), map_text(gids));
  if (!uids.empty()) write_procfs(cat("/proc/", pid, "/uid_map"), map_text(uids));
}

UniqueFd make_user_namespace(const std::vector<oci::IdMapping>& uids, const std::vector<oci::IdMapping>& gids) {
  Child holder = hold_namespaces(CLONE_NEWUSER);
  write_id_maps(holder.pid(), uids, gids);
  return open_file(cat("/proc/", holder.pid(), "/ns/user"), O_RDONLY);
}

UserNamespace make_user_namespace_with_network(const std::vector<oci::IdMapping>& uids,
                                               const std::vector<oci::IdMapping>& gids) {
  Child holder = hold_namespaces(CLONE_NEWUSER | CLONE_NEWNET);
  write_id_maps(holder.pid(), uids, gids);
  return {open_file(cat("/proc/", holder.pid(), "/ns/user"), O_RDONLY),
          open_file(cat("/proc/", holder.pid(), "/ns/net"), O_RDONLY)};
}

UniqueFd make_network_namespace_of(int user_namespace) {
  auto [read_end, write_end] = make_pipe();
  int code = 0;
  Child holder = hold_namespaces(0, [users = user_namespace, answer = write_end.get()] {
    int failed = ::setns(users, CLONE_NEWUSER) == 0 && ::unshare(CLONE_NEWNET) == 0 ? 0 : errno;
    if (::write(answer, &failed, sizeof failed) < 0) ::_exit(1);
  });
  write_end.reset();
  if (::read(read_end.get(), &code, sizeof code) != sizeof code) code = EIO;
  if (code != 0) throw_errno("make a network namespace of", "a user namespace", code);
  return open_file(cat("/proc/", holder.pid(), "/ns/net"), O_RDONLY);
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
