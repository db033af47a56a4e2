// SPDX-License-Identifier: Apache-2.0
#include "network/plug.h"

#include <linux/rtnetlink.h>

#include <array>
#include <memory>
#include <utility>

#include "base/id.h"
#include "linux/ip_address.h"
#include "linux/network_namespace.h"

namespace hull::network {

namespace {

// Written while the namespace is made; a kernel without IPv6 lacks some.
constexpr std::pair<std::string_view, std::string_view> kSettings[] = {
    {"net/ipv4/ip_unprivileged_port_start", "0"},
    {"net/ipv4/ping_group_range", "0 2147483647"},
    // Interfaces made from now on; lo keeps ::1.
    {"net/ipv6/conf/default/disable_ipv6", "1"},
    // eth0 announces its address when its hardware address is set: bridge and neighbours learn that both have moved
    // to another port.
    {"net/ipv4/conf/default/arp_notify", "1"},
};

std::uint32_t hash(std::string_view text) {
  std::uint32_t value = 2166136261u;  // FNV-1a
  for (unsigned char c : text) value = (value ^ c) * 16777619u;
  return value;
}

constexpr int kLoopbackIndex = 1;

// The calling thread is in the new namespace.
linux::NetlinkSocket set_up_namespace() {
  for (auto [path, value] : kSettings) linux::write_sysctl(std::string(path), value);
  linux::NetlinkSocket inside(NETLINK_ROUTE);
  linux::NetlinkBatch batch;
  linux::set_link_up(batch, kLoopbackIndex);
  inside.execute(batch, "bring lo up");
  return inside;
}

}  // namespace

InterfaceMarks::InterfaceMarks(std::string_view bridge) {
  std::uint32_t code = hash(bridge);
  const unsigned char digits[] = {static_cast<unsigned char>(code >> 8), static_cast<unsigned char>(code)};
  prefix = cat("veth", to_hex(digits, sizeof digits));
  // Far from the small numbers that people use, even for the engine's own, odd for those to be deleted.
  live = (0x68000000u | (code & 0x00ffffffu)) & ~1u;
  condemned = live | 1u;
}

UniqueFd make_isolated_namespace() {
  linux::ScopedNetworkNamespace fresh;
  set_up_namespace();
  return linux::current_network_namespace();
}

UniqueFd make_isolated_namespace(int network_namespace) {
  linux::ScopedNetworkNamespace given(network_namespace);
  set_up_namespace();
  return linux::current_network_namespace();
}

Plug make_plug(const InterfaceMarks& marks, const std::string& host_interface, const Bridge& bridge,
               int network_namespace) {
  auto [network, inside] = [=] {
    auto scope = network_namespace < 0 ? std::make_unique<linux::ScopedNetworkNamespace>()
                                       : std::make_unique<linux::ScopedNetworkNamespace>(network_namespace);
    auto socket = set_up_namespace();
    return std::pair(linux::current_network_namespace(), std::move(socket));
  }();
  Plug plug{host_interface, std::move(network), std::move(inside)};
  linux::NetlinkSocket outside(NETLINK_ROUTE);
  linux::NetlinkBatch batch;
  linux::add_veth(
      batch, {plug.host_interface, marks.live, bridge.index, std::string(kInterface), plug.network_namespace.get()});
  outside.execute(batch, cat("make the interface ", plug.host_interface));
  auto link = linux::find_link(plug.inside, std::string(kInterface));
  if (!link) fail(Kind::kInternal, "the peer of ", plug.host_interface, " has vanished");
  plug.interface = link->index;
  linux::NetlinkBatch up;
  linux::set_link_up(up, plug.interface);
  plug.inside.execute(up, cat("bring ", kInterface, " up"));
  // The bridge has a carrier only while a port has one.
  linux::settle_carrier(host_interface);
  linux::settle_carrier(bridge.name);
  return plug;
}

void configure_plug(Plug& plug, const Subnet& address, const linux::MacAddress& mac, std::uint32_t gateway) {
  linux::NetlinkBatch batch;
  linux::add_address(batch, {plug.interface, address.address, address.prefix_length});
  linux::set_mac(batch, plug.interface, mac);
  linux::add_default_route(batch, plug.interface, gateway);
  plug.inside.execute(batch, cat("configure ", kInterface, " with ", format_address(address.address)));
}

linux::MacAddress random_mac() {
  return mac_of_address(parse_number<std::uint32_t>(random_hex(sizeof(std::uint32_t)), 16).value_or(0));
}

linux::MacAddress mac_of_address(std::uint32_t address) {
  auto octet = [&](int shift) { return static_cast<std::uint8_t>(address >> shift); };
  return {0x02, 0x42, octet(24), octet(16), octet(8), octet(0)};
}

linux::MacAddress parse_mac(const std::string& text) {
  if (!linux::is_mac_address(text)) fail_invalid("invalid MAC address: ", text);
  linux::MacAddress mac{};
  auto parts = split(text, text[2]);
  if (parts.size() != mac.size()) fail_invalid("invalid MAC address: ", text);
  for (std::size_t i = 0; i < mac.size(); ++i) mac[i] = parse_number<std::uint8_t>(parts[i], 16).value_or(0);
  return mac;
}

std::string format_mac(const linux::MacAddress& mac) {
  std::vector<std::string> octets;
  for (auto octet : mac) octets.push_back(to_hex(&octet, 1));
  return join(octets, ":");
}

}  // namespace hull::network
