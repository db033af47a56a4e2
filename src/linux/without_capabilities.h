// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "linux/capabilities.h"

namespace hull::linux {

// The calling thread cannot use these capabilities until this goes out of scope. What it opens or mounts meanwhile
// stays without them.
class WithoutCapabilities {
 public:
  explicit WithoutCapabilities(CapabilitySet dropped);  // throws errno
  WithoutCapabilities(const WithoutCapabilities&) = delete;
  ~WithoutCapabilities();

 private:
  CapabilitySet effective_ = 0, permitted_ = 0, inheritable_ = 0;
};

inline constexpr CapabilitySet kCapSysResource = CapabilitySet{1} << 24;

}  // namespace hull::linux
