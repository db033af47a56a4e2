// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/json_reply.h"
#include "volume/volumes.h"

namespace hull::api {

JsonValue volume_shape(const volume::Volume& volume);

// Records of the build cache (build.cpp).
JsonValue build_cache_shape(Call& call);

}  // namespace hull::api
