// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/json_reply.h"
#include "volume/volumes.h"

namespace hull::api {

// The apparent sizes of the regular files under `directory`, in bytes. What vanishes meanwhile is not counted.
std::int64_t size_of_tree(const std::string& directory);

JsonValue volume_shape(const volume::Volume& volume);
// The ids of the containers that mount the volume.
std::vector<std::string> users_of_volume(const std::string& name, const container::Engine& engine);

// Records of the build cache (build.cpp).
JsonValue build_cache_shape(Call& call);

}  // namespace hull::api
