// SPDX-License-Identifier: Apache-2.0
#include "linux/moved_interface.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>

#include "linux/interfaces.h"
#include "linux/network_namespace.h"

namespace hull::linux {

namespace {

// An address as the kernel told it, to be told back.
struct KeptAddress {
  ifaddrmsg header{};
  std::vector<std::pair<std::uint16_t, std::string>> attributes;
};

// Permanent ones of global scope: what an administrator gave it, and not what it gave itself.
std::vector<KeptAddress> addresses_of(NetlinkSocket& socket, int link) {
  NetlinkBatch batch;
  ifaddrmsg wanted{};
  wanted.ifa_family = AF_UNSPEC;
  batch.message(RTM_GETADDR, NLM_F_DUMP, wanted);
  std::vector<KeptAddress> kept;
  socket.dump(batch, "list addresses", [&](const nlmsghdr& message) {
    KeptAddress address;
    address.header = *static_cast<const ifaddrmsg*>(NLMSG_DATA(&message));
    bool ours = static_cast<int>(address.header.ifa_index) == link;
    if (!ours || address.header.ifa_scope != RT_SCOPE_UNIVERSE || !(address.header.ifa_flags & IFA_F_PERMANENT)) return;
    for_each_attribute(attributes_of(message, sizeof address.header),
                       [&](std::uint16_t type, std::string_view content) {
                         // A label begins with the old name, and how long it lives is for ever.
                         if (type != IFA_LABEL && type != IFA_CACHEINFO) address.attributes.emplace_back(type, content);
                       });
    kept.push_back(std::move(address));
  });
  return kept;
}

void give_back(NetlinkBatch& batch, const KeptAddress& address, int link) {
  ifaddrmsg header = address.header;
  header.ifa_index = static_cast<std::uint32_t>(link);
  batch.message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, header);
  for (const auto& [type, content] : address.attributes) batch.put(type, content);
}

void change_namespace(NetlinkSocket& socket, int link, const std::string& new_name, int network_namespace) {
  ifinfomsg header{};
  header.ifi_index = link;
  header.ifi_change = IFF_UP;  // down: a name can be changed then
  NetlinkBatch batch;
  batch.message(RTM_NEWLINK, NLM_F_ACK, header);
  batch.message(RTM_NEWLINK, NLM_F_ACK, header).put_text(IFLA_IFNAME, new_name);
  batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(network_namespace));
  socket.execute(batch, "move it");
}

bool contains(const std::vector<Link>& links, int index) {
  return std::ranges::find(links, index, &Link::index) != links.end();
}

}  // namespace

void move_interface(const std::string& name, const std::string& new_name, int network_namespace) {
  NetlinkSocket outside(NETLINK_ROUTE);
  auto link = find_link(outside, name);
  if (!link) fail(Kind::kNotFound, "there is no network interface ", quoted(name));
  auto addresses = addresses_of(outside, link->index);

  ScopedNetworkNamespace entered(network_namespace);
  NetlinkSocket inside(NETLINK_ROUTE);
  auto before = list_links(inside);
  if (!new_name.ends_with("%d") && std::ranges::find(before, new_name, &Link::name) != before.end())
    throw_errno("move the interface: the container has a", new_name, EEXIST);
  change_namespace(outside, link->index, new_name, network_namespace);

  NetlinkBatch batch;
  for (const Link& there : list_links(inside)) {
    if (contains(before, there.index)) continue;
    set_link_up(batch, there.index);
    for (const auto& address : addresses) give_back(batch, address, there.index);
  }
  inside.execute(batch, "bring it up");
}

}  // namespace hull::linux
