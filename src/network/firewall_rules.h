// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "linux/nft_rule.h"
#include "linux/nftables.h"
#include "network/endpoint.h"
#include "network/subnet.h"

// What is in the engine's nftables tables (see firewall.h for what they do).
namespace hull::network {

// How a network of one family is connected with the rest of the world.
//   nat              under the host's address, ports by translation; nothing else comes in
//   nat-unprotected  the same, but whoever has a route to the containers reaches every port of theirs
//   routed           under the containers' own addresses; published ports (and ping) come in, nothing else
//   isolated         the host itself has no address in it (internal networks only)
enum class GatewayMode : unsigned char { kNat, kNatUnprotected, kRouted, kIsolated };

// One family of a bridge as the firewall sees it.
struct FamilyPolicy {
  std::vector<Subnet> gateways;  // the bridge's addresses, each with the length of its subnet's prefix
  GatewayMode mode = GatewayMode::kNat;
  bool masquerade = true;
  std::string source;  // the address of the host that containers go out under; "" : that of the way out
};

struct BridgePolicy {
  std::string name;
  FamilyPolicy v4, v6;
  bool internal = false;             // nothing goes in or out
  bool icc = true;                   // its containers may talk to each other by way of the host too
  bool direct = false;               // published ports are reachable under the containers' own addresses, too
  std::vector<std::string> trusted;  // interfaces for which that is so in any case

  const FamilyPolicy& family(bool is_v6) const { return is_v6 ? v6 : v4; }
};

// An element of a map or a set of the tables.
struct FirewallElement {
  bool is_v6 = false;
  std::string map, key, key_end;  // key_end: of an element that is a range
  auto operator<=>(const FirewallElement&) const = default;
};
// What publishes the ports of these endpoints, each element with its target ("" : it has none): an address of the host
// that is translated, or, for a binding without a host port, the container's own address (routed mode). Ports that
// follow each other and keep their numbers are one element, however many. Where an endpoint is `direct`, the
// container's own address is an element besides.
std::map<FirewallElement, std::string> elements_of(const Endpoints& endpoints);

// A port of one container that another one may connect to, whatever the bridge says (IPv4).
struct LinkedPort {
  std::string from, to;  // addresses
  std::string protocol;  // tcp, udp, sctp
  std::uint16_t number = 0;
};
FirewallElement element_of(const LinkedPort& port);

// A table for the administrator's own rules, with a chain that forwarded packets go through before ours: made when it
// is not there, and never written again. One for all engines of the machine.
inline constexpr std::string_view kSiteTable = "hull-user";
void write_site_table(linux::NftTransaction& change);

// Everything but the published ports. The table is there and empty. Packets with the mark `accept` get into every
// bridge that is not internal.
void write_rules(linux::NftTransaction& change, const std::vector<BridgePolicy>& bridges,
                 const std::optional<linux::PacketMark>& accept, bool is_v6);
// Turns what write_rules() has written for the bridges `before` into what it would write now. Costs a tenth of it: no
// chain is taken out of the kernel's hooks, and no published port is touched.
void update_rules(linux::NftTransaction& change, const std::vector<BridgePolicy>& before,
                  const std::vector<BridgePolicy>& now, bool is_v6);

}  // namespace hull::network
