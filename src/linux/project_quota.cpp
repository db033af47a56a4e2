// SPDX-License-Identifier: Apache-2.0
#include "linux/project_quota.h"

#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

namespace hull::linux {

namespace {

constexpr std::uint64_t kBasicBlock = 512;  // bytes: the unit of the limits
constexpr int kAttempts = 1000;             // numbers in use that are passed over

long quotactl(int fd, unsigned command, std::uint32_t project, void* data) {
  return ::syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, data);
}

UniqueFd open_directory(const std::string& path) { return open_file(path, O_RDONLY | O_DIRECTORY); }

bool is_in_use(int fd, std::uint32_t project) {
  fs_disk_quota quota{};
  if (quotactl(fd, Q_XGETQUOTA, project, &quota) != 0) {
    if (errno == ENOENT) return false;  // xfs has never heard of it
    throw_errno("quotactl", cat("project ", project));
  }
  return quota.d_blk_hardlimit != 0 || quota.d_bcount != 0 || quota.d_icount != 0;
}

// FNV-1a; never 0, the project of all that has none, and positive, for tools that print it signed.
std::uint32_t number_of(const std::string& seed) {
  std::uint32_t value = 2166136261u;
  for (unsigned char c : seed) value = (value ^ c) * 16777619u;
  return (value & 0x7fffffffu) | 1u;
}

void set_limit(int fd, std::uint32_t project, std::uint64_t bytes) {
  fs_disk_quota quota{};
  quota.d_version = FS_DQUOT_VERSION;
  quota.d_flags = FS_PROJ_QUOTA;
  quota.d_id = project;
  quota.d_fieldmask = FS_DQ_BHARD | FS_DQ_BSOFT;
  quota.d_blk_hardlimit = quota.d_blk_softlimit = (bytes + kBasicBlock - 1) / kBasicBlock;
  check(quotactl(fd, Q_XSETQLIM, project, &quota), "quotactl", cat("limit of project ", project));
}

void join_project(const std::string& path, std::uint32_t project) {
  UniqueFd fd = open_directory(path);
  fsxattr attributes{};
  check(::ioctl(fd.get(), FS_IOC_FSGETXATTR, &attributes), "FS_IOC_FSGETXATTR", path);
  attributes.fsx_projid = project;
  attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  check(::ioctl(fd.get(), FS_IOC_FSSETXATTR, &attributes), "FS_IOC_FSSETXATTR", path);
}

}  // namespace

bool has_project_quota(const std::string& directory) {
  UniqueFd fd = open_directory(directory);
  fs_quota_statv state{};
  state.qs_version = FS_QSTATV_VERSION1;
  return quotactl(fd.get(), Q_XGETQSTATV, 0, &state) == 0 && (state.qs_flags & FS_QUOTA_PDQ_ENFD);
}

void limit_space(const std::vector<std::string>& directories, const std::string& seed, std::uint64_t bytes) {
  UniqueFd fd = open_directory(directories.front());
  std::uint32_t project = number_of(seed);
  for (int attempt = 0; attempt < kAttempts && is_in_use(fd.get(), project); ++attempt) project += 2;
  set_limit(fd.get(), project, bytes);
  for (const std::string& directory : directories) join_project(directory, project);
}

void lift_limit(const std::string& directory) {
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  fsxattr attributes{};
  if (!fd || ::ioctl(fd.get(), FS_IOC_FSGETXATTR, &attributes) != 0 || attributes.fsx_projid == 0) return;
  try {
    set_limit(fd.get(), attributes.fsx_projid, 0);
  } catch (const Error& e) {
    // Quotas may have been switched off meanwhile: nothing is removed worse for that.
    log::debug("the limit of ", directory, " stays: ", e.message());
  }
}

}  // namespace hull::linux
