// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "linux/cgroup.h"
#include "linux/cgroup_layout.h"

namespace hull::linux {

// Sets what `resources` names in the group at `dir` (cgroup_v2_limits.cpp). Devices are not among it.
void set_limits_v2(const CgroupDir& dir, const oci::Resources& resources);
CgroupStats stats_v2(const CgroupDir& dir);
CgroupDetails details_v2(const CgroupDir& dir);

// The specification's limits are version 1's; these are what they are called in version 2.
// cpu.shares (2 to 262144, usually 1024) as cpu.weight (1 to 10000, usually 100): the curve through the two
// ends and the two usual values that runc and crun use.
std::uint64_t weight_of_shares(std::uint64_t shares);
// blkio.weight (10 to 1000) as io.weight (1 to 10000).
std::uint64_t io_weight_of(std::uint64_t blkio_weight);
// Memory and swap together (-1: unlimited; 0 or empty: not given) as memory.swap.max; empty: leave it.
// `memory`: the limit that it is meant with. Throws Error{kInvalidArgument} when there is none, or it is larger.
std::optional<std::int64_t> swap_of(std::optional<std::int64_t> memory_and_swap, std::optional<std::int64_t> memory);

}  // namespace hull::linux
