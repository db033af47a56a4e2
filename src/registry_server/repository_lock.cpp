// SPDX-License-Identifier: Apache-2.0
#include "registry_server/repository_lock.h"

#include "base/file.h"
#include "linux/directory_lock.h"

namespace hull::registry_server {

namespace {

// The directory may have been removed (it was empty) and made again while we waited for the lock of the old one.
std::optional<UniqueFd> lock_existing(const std::string& path, linux::Sharing sharing) {
  for (;;) {
    try {
      UniqueFd fd = linux::lock_directory(path, sharing);
      if (linux::is_directory_at(fd.get(), path)) return fd;
    } catch (const Error& e) {
      if (e.code() == ENOENT) return std::nullopt;
      throw;
    }
  }
}

}  // namespace

RepositoryLock RepositoryLock::shared(const Layout& layout, const std::string& name) {
  std::string path = layout.repository(name);
  for (;;) {
    if (auto fd = lock_existing(path, linux::Sharing::kShared)) return RepositoryLock(std::move(*fd));
    try {
      make_directories(path, 0750);
    } catch (const Error& e) {
      if (e.code() != ENOENT) throw;  // somebody removed an empty directory above it meanwhile
    }
  }
}

std::optional<RepositoryLock> RepositoryLock::shared_if_exists(const Layout& layout, const std::string& name) {
  auto fd = lock_existing(layout.repository(name), linux::Sharing::kShared);
  if (!fd) return std::nullopt;
  return RepositoryLock(std::move(*fd));
}

std::optional<RepositoryLock> RepositoryLock::alone(const Layout& layout, const std::string& name) {
  auto fd = lock_existing(layout.repository(name), linux::Sharing::kAlone);
  if (!fd) return std::nullopt;
  return RepositoryLock(std::move(*fd));
}

}  // namespace hull::registry_server
