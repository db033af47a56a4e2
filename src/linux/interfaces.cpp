// SPDX-License-Identifier: Apache-2.0
#include "linux/interfaces.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace hull::linux {

namespace {

constexpr std::uint16_t kCreate = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;

ifinfomsg link_header(int index = 0) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = index;
  return header;
}

std::string_view bytes_of(const MacAddress& mac) { return {reinterpret_cast<const char*>(mac.data()), mac.size()}; }

template <class Header>
std::string_view bytes_of_header(const Header& header) {
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

Link link_of(const nlmsghdr& message) {
  auto* header = static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
  Link link;
  link.index = header->ifi_index;
  link.up = header->ifi_flags & IFF_UP;
  for_each_attribute(attributes_of(message, sizeof *header), [&](std::uint16_t type, std::string_view content) {
    switch (type) {
      case IFLA_IFNAME: link.name = text_of(content); break;
      case IFLA_MASTER: link.master = static_cast<int>(u32_of(content)); break;
      case IFLA_GROUP: link.group = u32_of(content); break;
      case IFLA_MTU: link.mtu = u32_of(content); break;
      default: break;
    }
  });
  return link;
}

}  // namespace

std::optional<Link> find_link(NetlinkSocket& socket, const std::string& name) {
  NetlinkBatch batch;
  batch.message(RTM_GETLINK, NLM_F_ACK, link_header()).put_text(IFLA_IFNAME, name);
  std::optional<Link> found;
  auto outcome = socket.try_execute(batch, [&](const nlmsghdr& message) { found = link_of(message); }).front();
  if (outcome.code && outcome.code != ENODEV) throw_errno("find interface", name, outcome.code);
  return found;
}

int interface_index(const std::string& name) { return static_cast<int>(::if_nametoindex(name.c_str())); }

std::vector<Link> list_links(NetlinkSocket& socket) {
  NetlinkBatch batch;
  batch.message(RTM_GETLINK, NLM_F_DUMP, link_header());
  std::vector<Link> links;
  socket.dump(batch, "list interfaces", [&](const nlmsghdr& message) { links.push_back(link_of(message)); });
  return links;
}

std::vector<InterfaceAddress> list_addresses(NetlinkSocket& socket) {
  NetlinkBatch batch;
  ifaddrmsg wanted{};
  wanted.ifa_family = AF_UNSPEC;
  batch.message(RTM_GETADDR, NLM_F_DUMP, wanted);
  std::vector<InterfaceAddress> addresses;
  socket.dump(batch, "list addresses", [&](const nlmsghdr& message) {
    auto* header = static_cast<const ifaddrmsg*>(NLMSG_DATA(&message));
    InterfaceAddress address{static_cast<int>(header->ifa_index), {}, header->ifa_prefixlen};
    // IPv6 says it in IFA_ADDRESS, which in IPv4 may be the other end's.
    std::uint16_t wanted_type = header->ifa_family == AF_INET6 ? IFA_ADDRESS : IFA_LOCAL;
    for_each_attribute(attributes_of(message, sizeof *header), [&](std::uint16_t type, std::string_view content) {
      if (type == wanted_type) address.address = IpAddress::of_bytes(content);
    });
    addresses.push_back(address);
  });
  return addresses;
}

std::vector<Route> list_routes(NetlinkSocket& socket) {
  NetlinkBatch batch;
  rtmsg wanted{};
  wanted.rtm_family = AF_UNSPEC;
  batch.message(RTM_GETROUTE, NLM_F_DUMP, wanted);
  std::vector<Route> routes;
  socket.dump(batch, "list routes", [&](const nlmsghdr& message) {
    auto* header = static_cast<const rtmsg*>(NLMSG_DATA(&message));
    if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6) return;
    Route route{IpAddress::any(header->rtm_family == AF_INET6), header->rtm_dst_len, 0};
    for_each_attribute(attributes_of(message, sizeof *header), [&](std::uint16_t type, std::string_view content) {
      if (type == RTA_DST) route.destination = IpAddress::of_bytes(content);
      if (type == RTA_OIF) route.link = static_cast<int>(u32_of(content));
    });
    routes.push_back(route);
  });
  return routes;
}

void add_bridge(NetlinkBatch& batch, const std::string& name, const MacAddress& mac, std::uint32_t mtu,
                std::uint32_t group) {
  ifinfomsg header = link_header();
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  batch.message(RTM_NEWLINK, kCreate, header).put_text(IFLA_IFNAME, name);
  if (mtu) batch.put_u32(IFLA_MTU, mtu);
  if (group) batch.put_u32(IFLA_GROUP, group);
  // A bridge without an address of its own takes the lowest of its ports', and changes it as they come and go.
  batch.put(IFLA_ADDRESS, bytes_of(mac));
  batch.nest(IFLA_LINKINFO, [&] { batch.put_text(IFLA_INFO_KIND, "bridge"); });
}

void add_veth(NetlinkBatch& batch, const VethPair& pair) {
  ifinfomsg header = link_header();
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  batch.message(RTM_NEWLINK, kCreate, header).put_text(IFLA_IFNAME, pair.name);
  batch.put_u32(IFLA_GROUP, pair.group).put_u32(IFLA_MASTER, static_cast<std::uint32_t>(pair.master));
  if (pair.mtu) batch.put_u32(IFLA_MTU, pair.mtu);
  batch.nest(IFLA_LINKINFO, [&] {
    batch.put_text(IFLA_INFO_KIND, "veth");
    batch.nest(IFLA_INFO_DATA, [&] {
      batch.nest(VETH_INFO_PEER, [&] {
        ifinfomsg peer = link_header();
        batch.raw(bytes_of_header(peer)).put_text(IFLA_IFNAME, pair.peer_name);
        if (pair.mtu) batch.put_u32(IFLA_MTU, pair.mtu);
        batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(pair.peer_namespace));
      });
    });
  });
}

namespace {

// `fill` adds what only this kind of link has.
template <class Fill>
void add_child(NetlinkBatch& batch, const ChildLink& link, const char* kind, Fill fill) {
  batch.message(RTM_NEWLINK, kCreate, link_header()).put_text(IFLA_IFNAME, link.name);
  if (link.parent) batch.put_u32(IFLA_LINK, static_cast<std::uint32_t>(link.parent));
  if (link.network_namespace >= 0) batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(link.network_namespace));
  if (link.mtu) batch.put_u32(IFLA_MTU, link.mtu);
  if (link.group) batch.put_u32(IFLA_GROUP, link.group);
  batch.nest(IFLA_LINKINFO, [&] {
    batch.put_text(IFLA_INFO_KIND, kind);
    batch.nest(IFLA_INFO_DATA, fill);
  });
}

}  // namespace

void add_macvlan(NetlinkBatch& batch, const ChildLink& link, std::uint32_t mode) {
  add_child(batch, link, "macvlan", [&] { batch.put_u32(IFLA_MACVLAN_MODE, mode); });
}

void add_ipvlan(NetlinkBatch& batch, const ChildLink& link, std::uint16_t mode, std::uint16_t flags) {
  add_child(batch, link, "ipvlan", [&] { batch.put_u16(IFLA_IPVLAN_MODE, mode).put_u16(IFLA_IPVLAN_FLAGS, flags); });
}

void add_vlan(NetlinkBatch& batch, const ChildLink& link, std::uint16_t id) {
  add_child(batch, link, "vlan", [&] { batch.put_u16(IFLA_VLAN_ID, id); });
}

void add_dummy(NetlinkBatch& batch, const ChildLink& link) {
  add_child(batch, link, "dummy", [] {});
}

void set_link_up(NetlinkBatch& batch, int link) {
  ifinfomsg header = link_header(link);
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  batch.message(RTM_NEWLINK, NLM_F_ACK, header);
}

void settle_carrier(const std::string& name) {
  UniqueFd socket(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket"));
  ethtool_value value{ETHTOOL_GLINK, 0};
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  check(::ioctl(socket.get(), SIOCETHTOOL, &request), "read the carrier of", name);
}

void set_mac(NetlinkBatch& batch, int link, const MacAddress& mac) {
  batch.message(RTM_NEWLINK, NLM_F_ACK, link_header(link)).put(IFLA_ADDRESS, bytes_of(mac));
}

void set_master(NetlinkBatch& batch, int link, int master) {
  batch.message(RTM_NEWLINK, NLM_F_ACK, link_header(link)).put_u32(IFLA_MASTER, static_cast<std::uint32_t>(master));
}

void set_mtu(NetlinkBatch& batch, int link, std::uint32_t mtu) {
  batch.message(RTM_NEWLINK, NLM_F_ACK, link_header(link)).put_u32(IFLA_MTU, mtu);
}

void set_group(NetlinkBatch& batch, int link, std::uint32_t group) {
  batch.message(RTM_NEWLINK, NLM_F_ACK, link_header(link)).put_u32(IFLA_GROUP, group);
}

namespace {

void set_port_flag(NetlinkBatch& batch, int link, std::uint16_t flag) {
  ifinfomsg header = link_header(link);
  header.ifi_family = AF_BRIDGE;
  batch.message(RTM_SETLINK, NLM_F_ACK, header).nest(IFLA_PROTINFO, [&] { batch.put_u8(flag, 1); });
}

rtmsg default_route(bool is_v6) {
  rtmsg header{};
  header.rtm_family = is_v6 ? AF_INET6 : AF_INET;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_type = RTN_UNICAST;
  return header;
}

}  // namespace

void set_hairpin(NetlinkBatch& batch, int link) { set_port_flag(batch, link, IFLA_BRPORT_MODE); }
void set_isolated(NetlinkBatch& batch, int link) { set_port_flag(batch, link, IFLA_BRPORT_ISOLATED); }

void add_address(NetlinkBatch& batch, const InterfaceAddress& address) {
  ifaddrmsg header{};
  header.ifa_family = static_cast<std::uint8_t>(address.address.family());
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix_length);
  header.ifa_index = static_cast<std::uint32_t>(address.link);
  if (address.address.is_v6()) header.ifa_flags = IFA_F_NODAD;
  batch.message(RTM_NEWADDR, kCreate, header).put(IFA_LOCAL, address.address.bytes());
  batch.put(IFA_ADDRESS, address.address.bytes());
  if (!address.address.is_v6()) batch.put(IFA_BROADCAST, address.address.filled(address.prefix_length).bytes());
}

void set_default_route(NetlinkBatch& batch, int link, const IpAddress& gateway, bool replaces) {
  rtmsg header = default_route(gateway.is_v6());
  header.rtm_protocol = RTPROT_BOOT;
  header.rtm_scope = gateway.is_any() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  batch.message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | (replaces ? NLM_F_REPLACE : NLM_F_EXCL), header);
  if (!gateway.is_any()) batch.put(RTA_GATEWAY, gateway.bytes());
  batch.put_u32(RTA_OIF, static_cast<std::uint32_t>(link));
}

void delete_default_route(NetlinkBatch& batch, bool is_v6) {
  batch.message(RTM_DELROUTE, NLM_F_ACK, default_route(is_v6));
}

void delete_link(NetlinkBatch& batch, int link) { batch.message(RTM_DELLINK, NLM_F_ACK, link_header(link)); }

void delete_link(NetlinkBatch& batch, const std::string& name) {
  batch.message(RTM_DELLINK, NLM_F_ACK, link_header()).put_text(IFLA_IFNAME, name);
}

void delete_group(NetlinkBatch& batch, std::uint32_t group) {
  batch.message(RTM_DELLINK, NLM_F_ACK, link_header()).put_u32(IFLA_GROUP, group);
}

}  // namespace hull::linux
