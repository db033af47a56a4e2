// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "container/spec.h"

namespace hull::container {

// What HostConfig.StorageOpt limits the writable layer to, in bytes; 0: nothing. "size" is the one option there is.
// Error{kInvalidArgument} for others, and for what is no size.
std::uint64_t storage_size(const HostConfig& host);

}  // namespace hull::container
