// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "registry_server/layout.h"

namespace hull::registry_server {

// Keeps collecting garbage and everything else in one repository apart, across processes: a flock(2) on its directory.
// Whoever makes or relies on a reference holds it shared, for moments; who removes what has no reference holds it
// alone. Released by the destructor.
class RepositoryLock {
 public:
  // Makes the repository when it is not there.
  static RepositoryLock shared(const Layout& layout, const std::string& name);
  // Empty when there is no such repository.
  static std::optional<RepositoryLock> shared_if_exists(const Layout& layout, const std::string& name);
  static std::optional<RepositoryLock> alone(const Layout& layout, const std::string& name);

 private:
  explicit RepositoryLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace hull::registry_server
