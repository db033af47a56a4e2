// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "linux/nft_rule.h"

namespace hull::network {

struct Options {
  std::string bridge = "hull0";            // hulld --bridge; "none" switches bridge networking off
  std::string bip;                         // "172.30.0.1/24"; "" : the first free of the pools
  std::string firewall_table = "hull";     // of nftables; an engine's tables and interfaces are told apart by it
  std::vector<std::string> address_pools;  // "base=10.10.0.0/16,size=24"; none: Docker's default pools
  std::string bip6;                        // "fd00:1::1/64": the default bridge has IPv6 too
  bool ipv6 = false;                       // the default bridge has IPv6, with an address of its own choice
  // The part of the default bridge's subnet that addresses are given out of; the whole of it, when bip says nothing.
  std::string fixed_cidr, fixed_cidr_v6;
  std::string default_gateway, default_gateway6;          // of containers on the default bridge; "" : the bridge
  std::string default_binding = "0.0.0.0";                // host address of ports that are published without one
  std::vector<std::string> host_gateways;                 // what host-gateway means; none: the default bridge's address
  std::vector<std::string> dns, dns_search, dns_options;  // for containers that have none of their own
  std::uint32_t mtu = 0;                                  // of the default bridge; 0: 1500
  std::map<std::string, std::map<std::string, std::string>> network_options;  // of new networks, by driver
  bool icc = true, masquerade = true;                                         // of the default bridge
  bool direct_routing = false;              // everybody reaches published ports under containers' own addresses, too
  std::optional<linux::PacketMark> accept;  // packets into bridges that are let through whatever else is said
};

}  // namespace hull::network
