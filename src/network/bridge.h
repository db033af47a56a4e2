// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "network/networks.h"
#include "network/subnet.h"

namespace hull::network {

struct Bridge {
  std::string name;
  int index = 0;
  Subnet address;  // the gateway's, with the length of the subnet's prefix
};

// Makes the bridge of `options`, or adopts the device of that name: up, with an address (its own, --bip, or the first
// address of a free pool), packets forwarded, and loopback sources let into it. Idempotent. Throws
// Error{kInvalidArgument} for a bad --bip, errno otherwise.
Bridge ensure_bridge(const Options& options);

}  // namespace hull::network
