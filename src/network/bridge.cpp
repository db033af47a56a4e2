// SPDX-License-Identifier: Apache-2.0
#include "network/bridge.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "linux/network_namespace.h"
#include "network/plug.h"

namespace hull::network {

namespace {

// Gives whether it is new.
bool make_device(linux::NetlinkSocket& socket, const BridgeWish& wish) {
  linux::NetlinkBatch batch;
  linux::add_bridge(batch, wish.name, random_mac(), wish.mtu, wish.group);
  auto outcome = socket.try_execute(batch).front();
  if (outcome.code && outcome.code != EEXIST)
    throw_errno(cat("make the bridge ", wish.name), outcome.detail, outcome.code);
  return outcome.code == 0;
}

void let_ipv6_in(const std::string& bridge) {
  // A host that forwards stops listening to its routers, unless it is told to do both.
  for (const auto& interface : list_directory("/proc/sys/net/ipv6/conf")) {
    auto path = cat("net/ipv6/conf/", interface, "/accept_ra");
    auto value = read_if_exists("/proc/sys/" + path);
    if (value && trim(*value) == "1" && interface != "all" && interface != "default" && interface != bridge)
      linux::write_sysctl(path, "2");
  }
  linux::write_sysctl(cat("net/ipv6/conf/", bridge, "/accept_ra"), "0");
  linux::write_sysctl(cat("net/ipv6/conf/", bridge, "/disable_ipv6"), "0");
  linux::write_sysctl("net/ipv6/conf/all/forwarding", "1");
}

// An address of a family that was left open.
Subnet choose_gateway(const BridgeWish& wish, const std::vector<Subnet>& present, bool is_v6) {
  auto range = std::ranges::find_if(wish.ranges, [&](const Subnet& one) { return one.is_v6() == is_v6; });
  auto own = std::ranges::find_if(present, [&](const Subnet& one) {
    bool fits = range == wish.ranges.end() || one.contains(*range);
    return one.is_v6() == is_v6 && fits && !(is_v6 && one.address.is_link_local());
  });
  if (own != present.end()) return *own;
  Subnet subnet = range != wish.ranges.end() ? *range : first_free_subnet(wish.pools, is_v6, host_subnets());
  return {subnet.first().plus(1), subnet.prefix_length};
}

// The addresses that the bridge is to have.
std::vector<Subnet> decide(const BridgeWish& wish, const std::vector<Subnet>& present) {
  std::vector<Subnet> wanted = wish.gateways;
  auto has = [&](bool is_v6) {
    return std::ranges::any_of(wanted, [&](const Subnet& one) { return one.is_v6() == is_v6; });
  };
  if (wish.ipv4 && !has(false)) wanted.insert(wanted.begin(), choose_gateway(wish, present, false));
  if (wish.ipv6 && !has(true)) wanted.push_back(choose_gateway(wish, present, true));
  return wanted;
}

void add_addresses(linux::NetlinkSocket& socket, const linux::Link& link, const std::vector<Subnet>& present,
                   const std::vector<Subnet>& wanted) {
  linux::NetlinkBatch batch;
  for (const Subnet& one : wanted) {
    if (std::ranges::find(present, one) != present.end()) continue;
    linux::add_address(batch, {link.index, one.address, one.prefix_length});
  }
  if (!batch.empty()) socket.execute(batch, cat("give ", link.name, " its addresses"));
}

}  // namespace

FileLock lock_pools() {
  for (;;) {
    if (auto lock = FileLock::try_acquire("/run/hull-network.lock")) return std::move(*lock);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Subnet parse_bridge_address(const std::string& text) {
  auto subnet = parse_subnet(text);
  bool fits = subnet && subnet->prefix_length <= subnet->address.width() - 2 && subnet->prefix_length >= 8;
  if (!fits)
    fail_invalid("invalid bip ", quoted(text), ": use an address with a prefix length of 8 to ",
                 subnet && subnet->is_v6() ? 126 : 30);
  if (subnet->address == subnet->first() || (!subnet->is_v6() && subnet->address == subnet->last()))
    fail_invalid("invalid bip ", quoted(text), ": it is the network itself, not an address in it");
  return *subnet;
}

Subnet parse_range(const std::string& text) {
  auto range = parse_subnet(text);
  if (!range || range->prefix_length > range->address.width() - 2)
    fail_invalid("invalid fixed-cidr ", quoted(text), ": use a subnet with room for the bridge and a container");
  return range->network();
}

std::vector<Subnet> host_subnets() {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  std::vector<Subnet> taken;
  for (const auto& address : linux::list_addresses(socket)) taken.push_back({address.address, address.prefix_length});
  for (const auto& route : linux::list_routes(socket))
    if (route.prefix_length > 0) taken.push_back({route.destination, route.prefix_length});
  return taken;
}

Bridge ensure_bridge(const BridgeWish& wish) {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  const bool is_new = make_device(socket, wish);
  auto found = linux::find_link(socket, wish.name);
  if (!found) fail(Kind::kInternal, "the bridge ", wish.name, " has vanished");
  const linux::Link& link = *found;
  std::vector<Subnet> present;
  if (!is_new)
    for (const auto& address : linux::list_addresses(socket))
      if (address.link == link.index) present.push_back({address.address, address.prefix_length});
  Bridge bridge{link.name, link.index, decide(wish, present)};
  bool has_v6 = std::ranges::any_of(bridge.gateways, &Subnet::is_v6);
  if (has_v6) let_ipv6_in(link.name);
  add_addresses(socket, link, present, bridge.gateways);
  if (!link.up) {
    linux::NetlinkBatch batch;
    linux::set_link_up(batch, link.index);
    socket.execute(batch, cat("bring ", link.name, " up"));
  }
  linux::write_sysctl("net/ipv4/ip_forward", "1");
  linux::write_sysctl(cat("net/ipv4/conf/", link.name, "/route_localnet"), "1");
  return bridge;
}

void remove_bridge(const std::string& name) {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  linux::NetlinkBatch batch;
  linux::delete_link(batch, name);
  auto outcome = socket.try_execute(batch).front();
  if (outcome.code && outcome.code != ENODEV) throw_errno("delete the bridge", name, outcome.code);
}

}  // namespace hull::network
