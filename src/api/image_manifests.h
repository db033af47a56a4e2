// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/call.h"
#include "image/images.h"

namespace hull::api {

// What an image has for which platform, as `docker images --tree` wants it (API 1.47, ?manifests=1). Images here are
// for one platform: a list of one.
nlohmann::ordered_json manifests_of(const image::Image& image, const Call& call);

}  // namespace hull::api
