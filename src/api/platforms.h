// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "api/call.h"
#include "oci/image_config.h"
#include "oci/platform.h"

namespace hull::api {

// {"os":"linux","architecture":"arm64"} or "linux/arm64". Error{kInvalidArgument} for what is neither.
oci::Platform platform_of(std::string_view text);
// Those of `save` and `load`: several since 1.52, Error{kInvalidArgument} before.
std::vector<oci::Platform> archive_platforms(const Call& call);
// Whether an image is for `wanted`. A variant counts only where both have one.
bool is_for(const oci::ImageConfig& config, const oci::Platform& wanted);

}  // namespace hull::api
