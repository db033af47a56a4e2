// SPDX-License-Identifier: Apache-2.0
#include "network/bridge.h"

#include <linux/rtnetlink.h>

#include <chrono>
#include <thread>

#include "base/file.h"
#include "base/id.h"
#include "linux/interfaces.h"
#include "linux/network_namespace.h"
#include "network/plug.h"

namespace hull::network {

namespace {

// Engines that start at the same time must not choose the same pool.
FileLock lock_pools() {
  for (;;) {
    if (auto lock = FileLock::try_acquire("/run/hull-network.lock")) return std::move(*lock);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Subnet gateway_from_pools(linux::NetlinkSocket& socket) {
  std::vector<Subnet> taken;
  for (const auto& address : linux::list_addresses(socket)) taken.push_back({address.address, address.prefix_length});
  for (const auto& route : linux::list_routes(socket))
    if (route.prefix_length > 0) taken.push_back({route.destination, route.prefix_length});
  Subnet pool = first_free_pool(taken);
  return {pool.network() + 1, pool.prefix_length};
}

Subnet parse_bip(const std::string& text) {
  auto subnet = parse_subnet(text);
  if (!subnet || subnet->prefix_length > 30 || subnet->prefix_length < 8)
    fail_invalid("invalid bip ", quoted(text), ": use an IPv4 address with a prefix length of 8 to 30");
  if (subnet->address == subnet->network() || subnet->address == subnet->broadcast())
    fail_invalid("invalid bip ", quoted(text), ": it is the network itself, not an address in it");
  return *subnet;
}

linux::Link find_or_make(linux::NetlinkSocket& socket, const std::string& name) {
  if (auto link = linux::find_link(socket, name)) return *link;
  linux::NetlinkBatch batch;
  linux::add_bridge(batch, name, random_mac());
  socket.execute(batch, cat("make the bridge ", name));
  if (auto link = linux::find_link(socket, name)) return *link;
  fail(Kind::kInternal, "the bridge ", name, " has vanished");
}

Subnet ensure_address(linux::NetlinkSocket& socket, const linux::Link& link, const std::string& bip) {
  std::optional<Subnet> wanted;
  if (!bip.empty()) wanted = parse_bip(bip);
  for (const auto& address : linux::list_addresses(socket)) {
    if (address.link != link.index) continue;
    if (!wanted || wanted->address == address.address) return {address.address, address.prefix_length};
  }
  if (!wanted) wanted = gateway_from_pools(socket);
  linux::NetlinkBatch batch;
  linux::add_address(batch, {link.index, wanted->address, wanted->prefix_length});
  socket.execute(batch, cat("give ", link.name, " the address ", format_address(wanted->address)));
  return *wanted;
}

}  // namespace

Bridge ensure_bridge(const Options& options) {
  if (!options.bip.empty()) parse_bip(options.bip);
  auto lock = lock_pools();
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  linux::Link link = find_or_make(socket, options.bridge);
  Bridge bridge{link.name, link.index, ensure_address(socket, link, options.bip)};
  if (!link.up) {
    linux::NetlinkBatch batch;
    linux::set_link_up(batch, link.index);
    socket.execute(batch, cat("bring ", link.name, " up"));
  }
  linux::write_sysctl("net/ipv4/ip_forward", "1");
  linux::write_sysctl(cat("net/ipv4/conf/", link.name, "/route_localnet"), "1");
  return bridge;
}

}  // namespace hull::network
