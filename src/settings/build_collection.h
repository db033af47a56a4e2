// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settings/settings.h"

// The key "builder" of daemon.json: when records of the build cache are removed without being asked for, as
// {"gc":{"enabled":true,"defaultReservedSpace":"10GB","policy":[{"all":true,"maxUsedSpace":"50GB"}]}}.
namespace hull::settings {

// "10GB" or "20%" of the file system that the data root is on.
struct DiskShare {
  std::int64_t bytes = 0;
  int percent = 0;
  std::int64_t of(std::int64_t size_of_disk) const { return percent > 0 ? size_of_disk / 100 * percent : bytes; }
};

// One rule, done one after the other.
struct CollectionRule {
  bool all = false;  // also what images are made of
  std::optional<DiskShare> reserved_space, max_used_space, min_free_space;
  std::vector<std::pair<std::string, std::string>> filters;  // as `docker builder prune --filter` has them
};

// Empty when it is switched off. Error{kInvalidArgument} for what makes no sense.
std::vector<CollectionRule> build_collection(const Settings& settings);

}  // namespace hull::settings
