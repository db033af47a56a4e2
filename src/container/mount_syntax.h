// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "container/normalize.h"

namespace hull::container {

// "src:dst[:options]", "dst": one entry of HostConfig.Binds. Error{kInvalidArgument} "invalid volume
// specification: …".
MountPlan parse_bind(const std::string& text, const std::string& volume_driver);

// One entry of HostConfig.Mounts. Error{kInvalidArgument} `invalid mount config for type "…": …`; a bind's source
// has to exist.
MountPlan plan_of(const MountSpec& mount);

struct VolumesFrom {
  std::string container;
  bool read_only = false;
  std::string mode;
};
// "container[:ro|rw|z]"
VolumesFrom parse_volumes_from(const std::string& text);

// The options of a tmpfs: Docker's defaults (noexec, nosuid, nodev), overridden by `wanted` ("size=64m", "exec",
// …). Error{kInvalidArgument} for options that a tmpfs does not have.
std::vector<std::string> tmpfs_options(const std::vector<std::string>& wanted);

// The path inside the container, clean. Error{kInvalidArgument} when it is relative or the root.
std::string checked_target(std::string_view target);

}  // namespace hull::container
