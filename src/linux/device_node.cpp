// SPDX-License-Identifier: Apache-2.0
#include "linux/device_node.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.h"

namespace hull::linux {

namespace {

std::optional<DeviceNode> describe(const struct stat& status) {
  if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) return std::nullopt;
  DeviceNode node;
  node.type = S_ISBLK(status.st_mode) ? 'b' : 'c';
  node.major = major(status.st_rdev);
  node.minor = minor(status.st_rdev);
  node.mode = status.st_mode & 07777;
  node.uid = status.st_uid;
  node.gid = status.st_gid;
  return node;
}

}  // namespace

std::optional<DeviceNode> device_node(const std::string& path) {
  struct stat status {};
  check(::stat(path.c_str(), &status), "stat", path);
  return describe(status);
}

std::optional<DeviceNode> device_node_if_exists(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return describe(status);
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool is_real_directory(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace hull::linux
