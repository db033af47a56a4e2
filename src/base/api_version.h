// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hull {

// The versions of Docker's Engine API that hulld speaks: 1.24 to 1.56.
inline constexpr int kOldestApiMinor = 24, kNewestApiMinor = 56;

}  // namespace hull
