// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "linux/interfaces.h"
#include "network/subnet.h"

namespace hull::network {

struct Bridge {
  std::string name;
  int index = 0;
  std::vector<Subnet> gateways;  // its own addresses in the networks, each with the length of the prefix
};

struct BridgeWish {
  std::string name;
  std::vector<Subnet> gateways;  // its addresses
  // The families that it has in any case. Where `gateways` has none of one: an address that the device has already, the
  // first of one of `ranges`, or one out of `pools`.
  bool ipv4 = true, ipv6 = false;
  std::vector<Subnet> ranges;
  std::vector<PoolSource> pools;
  std::uint32_t mtu = 0;
  std::uint32_t group = 0;  // of the device; 0: left alone
};

// Makes the bridge, or adopts the device of that name: up, with its addresses, packets forwarded, and loopback sources
// let into it. Idempotent. Throws errno.
Bridge ensure_bridge(const BridgeWish& wish);
// Idempotent.
void remove_bridge(const std::string& name);

// "172.30.0.1/24" as --bip and --bip6 have it. Error{kInvalidArgument}.
Subnet parse_bridge_address(const std::string& text);

// "172.30.0.0/25" as --fixed-cidr and --fixed-cidr-v6 have it. Error{kInvalidArgument}.
Subnet parse_range(const std::string& text);

// Subnets that the host uses: those of its interfaces and routes, but for default routes.
std::vector<Subnet> host_subnets();
// Engines that start at the same time must not choose the same pool: held while one is chosen and made visible.
FileLock lock_pools();

}  // namespace hull::network
