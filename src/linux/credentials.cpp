// SPDX-License-Identifier: Apache-2.0
#include "linux/credentials.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "linux/child.h"

namespace hull::linux {

namespace {

struct Named {
  std::string_view name;
  std::uint64_t value;
};
constexpr Named kPolicies[] = {{"SCHED_OTHER", 0}, {"SCHED_FIFO", 1},     {"SCHED_RR", 2}, {"SCHED_BATCH", 3},
                               {"SCHED_IDLE", 5},  {"SCHED_DEADLINE", 6}, {"SCHED_ISO", 4}};
constexpr Named kSchedulerFlags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},     {"SCHED_FLAG_DL_OVERRUN", 0x04},
    {"SCHED_FLAG_KEEP_POLICY", 0x08},    {"SCHED_FLAG_KEEP_PARAMS", 0x10}, {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};
constexpr Named kIoClasses[] = {{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}};
constexpr Named kDomains[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};

template <std::size_t N>
std::uint64_t value_of(const Named (&table)[N], std::string_view name, std::string_view field) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.value;
  fail_invalid(field, ": unknown value ", quoted(name));
}

// struct sched_attr of sched_setattr(2); glibc 2.36 has none, and the kernel's header clashes with <sched.h>.
struct SchedulerAttributes {
  std::uint32_t size = sizeof(SchedulerAttributes), policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
};

}  // namespace

void keep_capabilities_over_setuid(bool keep) {
  check(::prctl(PR_SET_KEEPCAPS, keep ? 1 : 0, 0, 0, 0), "prctl", "PR_SET_KEEPCAPS");
}

void set_user(std::uint32_t uid, std::uint32_t gid, const std::vector<std::uint32_t>& additional_gids) {
  check(::setgroups(additional_gids.size(), additional_gids.data()), "setgroups");
  check(::setresgid(gid, gid, gid), "setgid", cat(gid));
  check(::setresuid(uid, uid, uid), "setuid", cat(uid));
}

void set_umask(mode_t mask) { ::umask(mask); }

void set_no_new_privileges() { check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl", "PR_SET_NO_NEW_PRIVS"); }

void set_scheduler(const oci::Scheduler& scheduler) {
  SchedulerAttributes attributes;
  attributes.policy = static_cast<std::uint32_t>(value_of(kPolicies, scheduler.policy, "scheduler.policy"));
  for (const auto& flag : scheduler.flags) attributes.flags |= value_of(kSchedulerFlags, flag, "scheduler.flags");
  attributes.nice = scheduler.nice;
  attributes.priority = static_cast<std::uint32_t>(scheduler.priority);
  attributes.runtime = scheduler.runtime;
  attributes.deadline = scheduler.deadline;
  attributes.period = scheduler.period;
  check(::syscall(SYS_sched_setattr, 0, &attributes, 0), "sched_setattr", scheduler.policy);
}

void set_io_priority(const oci::IoPriority& priority) {
  std::uint64_t io_class = value_of(kIoClasses, priority.priority_class, "ioPriority.class");
  constexpr int kWhoProcess = 1, kClassShift = 13;
  check(::syscall(SYS_ioprio_set, kWhoProcess, 0, static_cast<int>(io_class << kClassShift) | priority.priority),
        "ioprio_set", priority.priority_class);
}

void set_personality(const oci::Personality& personality) {
  if (!personality.flags.empty()) fail_invalid("personality.flags are not supported");
  check(::personality(value_of(kDomains, personality.domain, "personality.domain")), "personality", personality.domain);
}

void change_directory(const std::string& path) {
  check(::chdir(path.c_str()), "chdir to cwd", path);
  char buffer[PATH_MAX];
  if (::syscall(SYS_getcwd, buffer, sizeof buffer) < 0 || buffer[0] != '/')
    throw_errno("chdir outside of the container's root:", path, EPERM);
}

void own_stdio(std::uint32_t uid) { own_streams({STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}, uid); }

void own_streams(std::initializer_list<int> streams, std::uint32_t uid) {
  for (int fd : streams) {
    struct stat info {};
    if (fd < 0 || ::fstat(fd, &info) < 0 || info.st_uid == uid) continue;
    // /dev/null belongs to everybody; a file system that refuses is not worth a failed start.
    if (S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3)) continue;
    if (::fchown(fd, uid, static_cast<gid_t>(-1)) < 0 && errno != EPERM && errno != EROFS && errno != EINVAL)
      throw_errno("chown", "standard streams");
  }
}

Executable examine_executable(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) < 0) return errno == EACCES ? Executable::kDenied : Executable::kMissing;
  if (S_ISDIR(info.st_mode)) return Executable::kDirectory;
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? Executable::kYes : Executable::kDenied;
}

int execute(const std::string& path, const std::vector<std::string>& arguments,
            const std::vector<std::string>& environment) {
  auto argv = exec_vector(arguments);
  auto envp = exec_vector(environment);
  ::execve(path.c_str(), argv.data(), envp.data());
  return errno;
}

}  // namespace hull::linux
