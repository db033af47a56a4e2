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
  wanted.ifa_family = AF_INET;
  batch.message(RTM_GETADDR, NLM_F_DUMP, wanted);
  std::vector<InterfaceAddress> addresses;
  socket.dump(batch, "list addresses", [&](const nlmsghdr& message) {
    auto* header = static_cast<const ifaddrmsg*>(NLMSG_DATA(&message));
    InterfaceAddress address{static_cast<int>(header->ifa_index), 0, header->ifa_prefixlen};
    for_each_attribute(attributes_of(message, sizeof *header), [&](std::uint16_t type, std::string_view content) {
      if (type == IFA_LOCAL) address.address = be32_of(content);
    });
    addresses.push_back(address);
  });
  return addresses;
}

std::vector<Route> list_routes(NetlinkSocket& socket) {
  NetlinkBatch batch;
  rtmsg wanted{};
  wanted.rtm_family = AF_INET;
  batch.message(RTM_GETROUTE, NLM_F_DUMP, wanted);
  std::vector<Route> routes;
  socket.dump(batch, "list routes", [&](const nlmsghdr& message) {
    auto* header = static_cast<const rtmsg*>(NLMSG_DATA(&message));
    Route route{0, header->rtm_dst_len};
    for_each_attribute(attributes_of(message, sizeof *header), [&](std::uint16_t type, std::string_view content) {
      if (type == RTA_DST) route.destination = be32_of(content);
    });
    routes.push_back(route);
  });
  return routes;
}

void add_bridge(NetlinkBatch& batch, const std::string& name, const MacAddress& mac) {
  batch.message(RTM_NEWLINK, kCreate, link_header()).put_text(IFLA_IFNAME, name);
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
  batch.nest(IFLA_LINKINFO, [&] {
    batch.put_text(IFLA_INFO_KIND, "veth");
    batch.nest(IFLA_INFO_DATA, [&] {
      batch.nest(VETH_INFO_PEER, [&] {
        ifinfomsg peer = link_header();
        batch.raw(bytes_of_header(peer)).put_text(IFLA_IFNAME, pair.peer_name);
        batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(pair.peer_namespace));
      });
    });
  });
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

void set_group(NetlinkBatch& batch, int link, std::uint32_t group) {
  batch.message(RTM_NEWLINK, NLM_F_ACK, link_header(link)).put_u32(IFLA_GROUP, group);
}

void set_hairpin(NetlinkBatch& batch, int link) {
  ifinfomsg header = link_header(link);
  header.ifi_family = AF_BRIDGE;
  batch.message(RTM_SETLINK, NLM_F_ACK, header).nest(IFLA_PROTINFO, [&] { batch.put_u8(IFLA_BRPORT_MODE, 1); });
}

void add_address(NetlinkBatch& batch, const InterfaceAddress& address) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix_length);
  header.ifa_index = static_cast<std::uint32_t>(address.link);
  std::uint32_t host_part = address.prefix_length >= 32 ? 0 : ~std::uint32_t{0} >> address.prefix_length;
  batch.message(RTM_NEWADDR, kCreate, header).put_be32(IFA_LOCAL, address.address);
  batch.put_be32(IFA_ADDRESS, address.address).put_be32(IFA_BROADCAST, address.address | host_part);
}

void add_default_route(NetlinkBatch& batch, int link, std::uint32_t gateway) {
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_BOOT;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  batch.message(RTM_NEWROUTE, kCreate, header).put_be32(RTA_GATEWAY, gateway);
  batch.put_u32(RTA_OIF, static_cast<std::uint32_t>(link));
}

void delete_link(NetlinkBatch& batch, int link) { batch.message(RTM_DELLINK, NLM_F_ACK, link_header(link)); }

void delete_group(NetlinkBatch& batch, std::uint32_t group) {
  batch.message(RTM_DELLINK, NLM_F_ACK, link_header()).put_u32(IFLA_GROUP, group);
}

}  // namespace hull::linux
