// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hull::shim {

// An output of a process. The numbers are those of the frames of a multiplexed stream.
enum class Channel : unsigned char { kOut = 1, kErr = 2 };

}  // namespace hull::shim
