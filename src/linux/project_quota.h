// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Project quotas of ext4 and xfs: a limit for the space that everything below some directories takes together. Files
// belong to the project of the directory that they are made in (quotactl(2), FS_IOC_FSSETXATTR). Linux 5.14, for
// quotactl_fd.
namespace hull::linux {

// Whether limits are kept in the file system of `directory`: it is mounted with prjquota (ext4, which needs the
// features quota and project, too) or pquota (xfs).
bool has_project_quota(const std::string& directory);

// Makes a project of these directories (empty, in one file system), which may take `bytes` together. Its number is
// derived from `seed`, and one that nobody uses. Throws errno.
void limit_space(const std::vector<std::string>& directories, const std::string& seed, std::uint64_t bytes);

// Takes the limit of a directory's project back, so that nothing remains of it when its files are gone. Nothing happens
// to a directory without one, or that is not there.
void lift_limit(const std::string& directory);

}  // namespace hull::linux
