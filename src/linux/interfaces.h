// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "linux/ip_address.h"
#include "linux/netlink_socket.h"

// rtnetlink(7): interfaces, addresses and routes of the namespace that the socket was opened in. Functions that
// take a batch only add a message to it; those that take a socket ask the kernel.
namespace hull::linux {

using MacAddress = std::array<std::uint8_t, 6>;

struct Link {
  int index = 0;
  std::string name;
  int master = 0;  // the bridge that it is a port of
  std::uint32_t group = 0;
  std::uint32_t mtu = 0;
  bool up = false;
};
struct InterfaceAddress {
  int link = 0;
  IpAddress address;
  int prefix_length = 0;
};
struct Route {
  IpAddress destination;
  int prefix_length = 0;  // 0: the default route
  int link = 0;
};

std::optional<Link> find_link(NetlinkSocket& socket, const std::string& name);
int interface_index(const std::string& name);  // in the namespace of the thread; 0: there is none
std::vector<Link> list_links(NetlinkSocket& socket);
std::vector<InterfaceAddress> list_addresses(NetlinkSocket& socket);
std::vector<Route> list_routes(NetlinkSocket& socket);  // of every table

// Up. EEXIST when there is a device of that name. `mtu` 0: the kernel's choice; `group` 0: none.
void add_bridge(NetlinkBatch& batch, const std::string& name, const MacAddress& mac, std::uint32_t mtu = 0,
                std::uint32_t group = 0);

// A pair of interfaces: the host's end is a port of bridge `master`, up, and in `group`; the peer is born in the
// namespace behind `peer_namespace`. Moving it there afterwards would cost RCU grace periods, 30 ms and more.
struct VethPair {
  std::string name;
  std::uint32_t group = 0;
  int master = 0;
  std::string peer_name;
  int peer_namespace = -1;
  std::uint32_t mtu = 0;  // of both ends; 0: the kernel's choice
};
void add_veth(NetlinkBatch& batch, const VethPair& pair);

// An interface of its own on the link `parent`: what is sent goes out there.
struct ChildLink {
  std::string name;
  int parent = 0;
  int network_namespace = -1;  // that it is born in; -1: that of the socket
  std::uint32_t mtu = 0;       // 0: the kernel's choice
  std::uint32_t group = 0;
};
void add_macvlan(NetlinkBatch& batch, const ChildLink& link, std::uint32_t mode);  // MACVLAN_MODE_*
void add_ipvlan(NetlinkBatch& batch, const ChildLink& link, std::uint16_t mode, std::uint16_t flags);
void add_vlan(NetlinkBatch& batch, const ChildLink& link, std::uint16_t id);  // 802.1q
void add_dummy(NetlinkBatch& batch, const ChildLink& link);                   // nothing behind it

void set_link_up(NetlinkBatch& batch, int link);
// Has the kernel act now on a change of the carrier of an interface of the calling thread's namespace. By itself its
// link watcher does so up to a second later, and until then a bridge forwards nothing to a new port. ETHTOOL_GLINK.
void settle_carrier(const std::string& name);
void set_mac(NetlinkBatch& batch, int link, const MacAddress& mac);
void set_master(NetlinkBatch& batch, int link, int master);
void set_mtu(NetlinkBatch& batch, int link, std::uint32_t mtu);
void set_group(NetlinkBatch& batch, int link, std::uint32_t group);
// Lets a bridge port send a frame back to where it came from: what br_netfilter needs when a container uses its own
// published port.
void set_hairpin(NetlinkBatch& batch, int link);
// Bridge ports that are isolated reach the bridge's own address and what is routed, but not each other.
void set_isolated(NetlinkBatch& batch, int link);
// An IPv6 address is used at once, without looking for a duplicate.
void add_address(NetlinkBatch& batch, const InterfaceAddress& address);
// The default route of the gateway's family; EEXIST when there is one and it is not to be replaced. `gateway` any:
// everything is reached directly on the link.
void set_default_route(NetlinkBatch& batch, int link, const IpAddress& gateway, bool replaces = true);
void delete_default_route(NetlinkBatch& batch, bool is_v6);  // ESRCH when there is none
void delete_link(NetlinkBatch& batch, int link);
void delete_link(NetlinkBatch& batch, const std::string& name);
// All interfaces of a group at once: 100 cost about as much as 3 one by one.
void delete_group(NetlinkBatch& batch, std::uint32_t group);

}  // namespace hull::linux
