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
constexpr Named kDomains[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};

template <std::size_t N>
std::uint64_t value_of(const Named (&table)[N], std::string_view name, std::string_view field) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.value;
  fail_invalid(field, ": unknown value ", quoted(name));
}

}  // namespace

void keep_capabilities_over_setuid(bool keep) {
  check(::prctl(PR_SET_KEEPCAPS, keep ? 1 : 0, 0, 0, 0), "prctl", "PR_SET_KEEPCAPS");
}

void set_user(std::uint32_t uid, std::uint32_t gid, const std::vector<std::uint32_t>& additional_gids, Groups groups) {
  bool stay = groups == Groups::kMayStay && additional_gids.empty();
  if (::setgroups(additional_gids.size(), additional_gids.data()) < 0 && (errno != EPERM || !stay))
    throw_errno("setgroups");
  check(::setresgid(gid, gid, gid), "setgid", cat(gid));
  check(::setresuid(uid, uid, uid), "setuid", cat(uid));
}

void set_umask(mode_t mask) { ::umask(mask); }

void set_no_new_privileges() { check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl", "PR_SET_NO_NEW_PRIVS"); }

void set_personality(const oci::Personality& personality) {
  if (!personality.flags.empty()) fail_invalid("linux.personality.flags: the specification has none");
  check(::personality(value_of(kDomains, personality.domain, "linux.personality.domain")), "personality",
        personality.domain);
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
