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

InterfaceMarks::InterfaceMarks(std::string_view firewall_table) {
  std::uint32_t code = hash(firewall_table);
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

int add_wire(const InterfaceMarks& marks, const Wire& wire, const Bridge& bridge, int network_namespace,
             linux::NetlinkSocket& inside) {
  linux::NetlinkSocket outside(NETLINK_ROUTE);
  linux::NetlinkBatch batch;
  linux::add_veth(batch, {wire.host_interface, marks.live, bridge.index, wire.interface, network_namespace, wire.mtu});
  outside.execute(batch, cat("make the interface ", wire.host_interface));
  auto link = linux::find_link(inside, wire.interface);
  if (!link) fail(Kind::kInternal, "the peer of ", wire.host_interface, " has vanished");
  linux::NetlinkBatch up;
  linux::set_link_up(up, link->index);
  inside.execute(up, cat("bring ", wire.interface, " up"));
  set_port_flags(wire);
  // The bridge has a carrier only while a port has one.
  linux::settle_carrier(wire.host_interface);
  linux::settle_carrier(bridge.name);
  return link->index;
}

void set_port_flags(const Wire& wire) {
  if (!wire.isolated && !wire.hairpin) return;
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  auto link = linux::find_link(socket, wire.host_interface);
  if (!link) fail(Kind::kInternal, "the interface ", wire.host_interface, " has vanished");
  linux::NetlinkBatch batch;
  if (wire.isolated) linux::set_isolated(batch, link->index);
  if (wire.hairpin) linux::set_hairpin(batch, link->index);
  socket.execute(batch, cat("set the modes of ", wire.host_interface));
}

Plug open_plug(UniqueFd network_namespace) {
  auto inside = [&] {
    linux::ScopedNetworkNamespace there(network_namespace.get());
    return linux::NetlinkSocket(NETLINK_ROUTE);
  }();
  return Plug{{}, std::move(network_namespace), std::move(inside)};
}

Plug make_plug(const InterfaceMarks& marks, const Wire& wire, const Bridge& bridge) {
  auto [network, inside] = [] {
    linux::ScopedNetworkNamespace fresh;
    auto socket = set_up_namespace();
    return std::pair(linux::current_network_namespace(), std::move(socket));
  }();
  Plug plug{wire.host_interface, std::move(network), std::move(inside)};
  plug.interface = add_wire(marks, wire, bridge, plug.network_namespace.get(), plug.inside);
  return plug;
}

void allow_ipv6(int network_namespace, const std::vector<std::string>& interfaces) {
  if (interfaces.empty()) return;
  linux::ScopedNetworkNamespace there(network_namespace);
  for (const auto& interface : interfaces) linux::write_sysctl(cat("net/ipv6/conf/", interface, "/disable_ipv6"), "0");
}

linux::MacAddress random_mac() {
  return mac_of_address(IpAddress::v4(parse_number<std::uint32_t>(random_hex(sizeof(std::uint32_t)), 16).value_or(0)));
}

linux::MacAddress mac_of_address(const IpAddress& address) {
  auto bytes = address.bytes();
  linux::MacAddress mac{0x02, 0x42};
  for (std::size_t i = 0; i < 4; ++i) mac[i + 2] = static_cast<std::uint8_t>(bytes[bytes.size() - 4 + i]);
  return mac;
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
