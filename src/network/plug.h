// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "linux/interfaces.h"
#include "network/bridge.h"
#include "network/subnet.h"

namespace hull::network {

inline constexpr std::string_view kInterface = "eth0";

// What an engine's host interfaces are called and grouped by, derived from the name of its firewall table, so that
// engines on one machine tell theirs from each other's, even on one bridge.
struct InterfaceMarks {
  explicit InterfaceMarks(std::string_view firewall_table);
  std::string prefix;             // "veth" and 4 hex digits
  std::uint32_t live, condemned;  // groups: interfaces in use, and those to be deleted together
};

// A network namespace that is ready but for the address: lo and eth0 up, its host end a port of the bridge. Whoever
// drops one without taking the namespace out leaves nothing: the interfaces go with the namespace.
struct Plug {
  std::string host_interface;  // "" : lo only
  UniqueFd network_namespace;
  linux::NetlinkSocket inside;
  int interface = 0;  // index of eth0
};

struct Wire {
  std::string host_interface;
  std::string interface = std::string(kInterface);  // its name inside
  std::uint32_t mtu = 0;
  bool isolated = false;  // from the other ports of the bridge
  bool hairpin = false;   // may use its own published ports
};

// A namespace with lo up and containers' settings: low ports and ping for everybody, IPv6 on lo only.
UniqueFd make_isolated_namespace();
// The same with a fresh namespace that somebody else has made.
UniqueFd make_isolated_namespace(int network_namespace);
Plug make_plug(const InterfaceMarks& marks, const Wire& wire, const Bridge& bridge);
// Takes up a namespace that exists.
Plug open_plug(UniqueFd network_namespace);
// One more pair of interfaces between a namespace and a bridge, both ends up. Gives the index inside.
int add_wire(const InterfaceMarks& marks, const Wire& wire, const Bridge& bridge, int network_namespace,
             linux::NetlinkSocket& inside);
// What can only be said to the host's end once it is there.
void set_port_flags(const Wire& wire);
// Interfaces of containers have no IPv6 until they have an address.
void allow_ipv6(int network_namespace, const std::vector<std::string>& interfaces);

linux::MacAddress random_mac();
// 02:42 and the address: an address that is given out again keeps its hardware address, so nobody's ARP cache is wrong.
linux::MacAddress mac_of_address(const IpAddress& address);
linux::MacAddress parse_mac(const std::string& text);  // Error{kInvalidArgument}
std::string format_mac(const linux::MacAddress& mac);

}  // namespace hull::network
