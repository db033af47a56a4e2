// SPDX-License-Identifier: Apache-2.0
#include "network/firewall_rules.h"

#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <set>
#include <span>
#include <tuple>

namespace hull::network {

namespace {

using linux::NftRule;
using linux::NftTransaction;
using linux::Verdict;
using Field = NftTransaction::Field;
using Hook = NftTransaction::Hook;
using Bridges = std::vector<BridgePolicy>;

constexpr std::string_view kPublished = "published", kPublishedAny = "published_any", kPublish = "publish";
constexpr std::string_view kBridges = "bridges", kInternal = "internal", kSame = "same";
constexpr std::string_view kOpened = "opened", kOpen = "open", kRouted = "routed", kTrusted = "trusted";
constexpr std::string_view kDirect = "direct", kDirectBridges = "direct_bridges";
constexpr std::string_view kLoopback = "loopback", kLinked = "linked", kPostrouting = "postrouting";
constexpr std::string_view kRanges = "published_ranges", kRangesAny = "published_any_ranges";
constexpr std::size_t kShortestRange = 16;  // fewer are elements of their own: finding those costs less

// Priorities of netfilter's own hooks (NF_IP_PRI_*).
constexpr int kRaw = -300, kDestinationNat = -100, kFilter = 0, kSourceNat = 100;

Subnet loopback(bool is_v6) {
  return is_v6 ? Subnet{IpAddress::any(true).plus(1), 128} : Subnet{IpAddress::v4(127u << 24), 8};
}

std::string padded(std::string bytes, std::size_t size = 4) {
  bytes.resize(size);
  return bytes;
}
std::string address_field(const IpAddress& address) { return std::string(address.bytes()); }
std::string port_field(std::uint16_t port) {
  return padded({static_cast<char>(port >> 8), static_cast<char>(port & 255)});
}
std::string protocol_field(std::string_view name) {
  int number = name == "tcp" ? IPPROTO_TCP : name == "udp" ? IPPROTO_UDP : IPPROTO_SCTP;
  return padded(std::string(1, static_cast<char>(number)));
}
std::string interface_field(const std::string& name) { return padded(name, IFNAMSIZ); }

IpAddress host_address(const PortBinding& binding) { return IpAddress::parse(binding.host_ip).value_or(IpAddress{}); }
IpAddress container_address(const Endpoint& endpoint, bool is_v6) {
  return IpAddress::parse(is_v6 ? endpoint.address6 : endpoint.address).value_or(IpAddress::any(is_v6));
}

void add_sets(NftTransaction& change, bool is_v6) {
  Field address = is_v6 ? Field::kAddress6 : Field::kAddress;
  std::vector<Field> target{address, Field::kPort};
  change.add_map(kPublished, {address, Field::kProtocol, Field::kPort}, target);
  change.add_map(kPublishedAny, {Field::kProtocol, Field::kPort}, target);
  change.add_range_map(kRanges, {address, Field::kProtocol, Field::kPort}, {address});
  change.add_range_map(kRangesAny, {Field::kProtocol, Field::kPort}, {address});
  for (auto name : {kOpened, kDirect}) change.add_set(name, {address, Field::kProtocol, Field::kPort});
  if (!is_v6) change.add_set(kLinked, {address, address, Field::kProtocol, Field::kPort});
  for (auto name : {kBridges, kInternal, kOpen, kRouted, kDirectBridges}) change.add_set(name, {Field::kInterface});
  for (auto name : {kSame, kTrusted}) change.add_set(name, {Field::kInterface, Field::kInterface});
}

// What stands for the bridges in the sets.
std::set<FirewallElement> elements_of(const Bridges& bridges, bool is_v6) {
  std::set<FirewallElement> elements;
  auto add = [&](std::string_view set, std::string key) {
    elements.insert({is_v6, std::string(set), std::move(key), {}});
  };
  for (const auto& bridge : bridges) {
    std::string name = interface_field(bridge.name);
    GatewayMode mode = bridge.family(is_v6).mode;
    add(kBridges, name);
    if (bridge.internal) add(kInternal, name);
    if (bridge.icc) add(kSame, name + name);
    if (bridge.direct) add(kDirectBridges, name);
    if (mode == GatewayMode::kNatUnprotected) add(kOpen, name);
    if (mode == GatewayMode::kRouted) add(kRouted, name);
    for (const auto& other : bridge.trusted) add(kTrusted, interface_field(other) + name);
  }
  return elements;
}

void add_publishing(NftTransaction& change, bool is_v6) {
  std::uint32_t after_address = is_v6 ? 4 : 1;  // registers
  change.add_chain(kPublish);
  change.add_rule(kPublish, [&](NftRule rule) {
    rule.load_destination(0).load_protocol(after_address).load_destination_port(after_address + 1);
    rule.look_up(kPublished, 0, 0).redirect(0, after_address);
  });
  change.add_rule(kPublish, [&](NftRule rule) {
    rule.load_protocol(0).load_destination_port(1).look_up(kPublishedAny, 0, 0).redirect(0, after_address);
  });
  change.add_rule(kPublish, [&](NftRule rule) {
    rule.load_destination(0).load_protocol(after_address).load_destination_port(after_address + 1);
    rule.look_up(kRanges, 0, 0).redirect(0);
  });
  change.add_rule(kPublish, [&](NftRule rule) {
    rule.load_protocol(0).load_destination_port(1).look_up(kRangesAny, 0, 0).redirect(0);
  });
  change.add_base_chain("prerouting", "nat", Hook::kPrerouting, kDestinationNat);
  change.add_rule("prerouting", [&](NftRule rule) {
    Subnet own = loopback(is_v6);
    rule.destination_in(own.address, own.prefix_length, false).destination_is_local().jump(kPublish);
  });
  change.add_base_chain("output", "nat", Hook::kOutput, kDestinationNat);
  change.add_rule("output", [](NftRule rule) { rule.destination_is_local().jump(kPublish); });
}

// IPv6 has no route_localnet: ::1 can be neither the source of what leaves the host nor, by the time that br_netfilter
// has translated it back, the destination of what comes in. So the host's connections from ::1 to a published port
// leave under the bridge's address, written before the connection is tracked, and what comes back gets ::1 again after
// it was.
void add_loopback_rules(NftTransaction& change, const Bridges& bridges) {
  for (const auto& bridge : bridges) {
    if (bridge.v6.mode == GatewayMode::kRouted) continue;
    for (const Subnet& gateway : bridge.v6.gateways) {
      for (auto map : {kPublished, kRanges})
        change.add_rule(kLoopback, [&](NftRule rule) {
          rule.load_destination(0).load_protocol(4).load_destination_port(5).look_up(map, 0, 0);
          rule.is_within(0, gateway.address, gateway.prefix_length).set_source(gateway.address);
        });
      for (auto map : {kPublishedAny, kRangesAny})
        change.add_rule(kLoopback, [&](NftRule rule) {
          rule.load_protocol(0).load_destination_port(1).look_up(map, 0, 0);
          rule.is_within(0, gateway.address, gateway.prefix_length).set_source(gateway.address);
        });
    }
  }
}

void add_loopback(NftTransaction& change, const Bridges& bridges) {
  IpAddress own = loopback(true).address;
  change.add_chain(kLoopback);
  add_loopback_rules(change, bridges);
  change.add_base_chain("from_loopback", "filter", Hook::kOutput, kRaw);
  change.add_rule("from_loopback",
                  [&](NftRule rule) { rule.source_in(own, 128).destination_in(own, 128).jump(kLoopback); });
  change.add_base_chain("to_loopback", "filter", Hook::kInput, kSourceNat + 1);
  change.add_rule("to_loopback", [&](NftRule rule) {
    rule.load_in_interface(0).is_in(kBridges, 0).source_in(own, 128).set_destination(own);
  });
}

void go_out(NftRule& rule, const FamilyPolicy& policy) {
  if (auto source = IpAddress::parse(policy.source))
    rule.translate_source(*source);
  else
    rule.masquerade();
}

void add_source_translation(NftTransaction& change, const Bridges& bridges, bool is_v6) {
  change.add_rule(kPostrouting, [&](NftRule rule) {
    Subnet own = loopback(is_v6);
    rule.source_in(own.address, own.prefix_length).load_out_interface(0).is_in(kBridges, 0).masquerade();
  });
  for (const auto& bridge : bridges) {
    const FamilyPolicy& policy = bridge.family(is_v6);
    if (policy.mode == GatewayMode::kRouted) continue;
    for (const Subnet& subnet : policy.gateways) {
      change.add_rule(kPostrouting, [&](NftRule rule) {
        rule.source_in(subnet.address, subnet.prefix_length).to_interface(bridge.name).connection_was_redirected();
        rule.masquerade();
      });
      if (!policy.masquerade || bridge.internal) continue;
      change.add_rule(kPostrouting, [&](NftRule rule) {
        rule.source_in(subnet.address, subnet.prefix_length).to_interface(bridge.name, false);
        go_out(rule, policy);
      });
    }
  }
}

void add_guard(NftTransaction& change, bool is_v6) {
  change.add_base_chain("guard", "filter", Hook::kPrerouting, kRaw);
  change.add_rule("guard", [&](NftRule rule) {
    Subnet own = loopback(is_v6);
    rule.load_in_interface(0).is_in(kBridges, 0).destination_in(own.address, own.prefix_length);
    rule.verdict(Verdict::kDrop);
  });
}

void add_forward(NftTransaction& change, const std::optional<linux::PacketMark>& accept, bool is_v6) {
  constexpr std::string_view kChain = "forward";
  std::uint32_t after_address = is_v6 ? 4 : 1;
  std::uint8_t icmp = is_v6 ? std::uint8_t{IPPROTO_ICMPV6} : std::uint8_t{IPPROTO_ICMP};
  auto add = [&](auto fill) { change.add_rule(kChain, fill); };
  change.add_base_chain(kChain, "filter", Hook::kForward, kFilter);
  add([](NftRule rule) { rule.load_interfaces(0, 4).is_in(kSame, 0).verdict(Verdict::kAccept); });
  add([](NftRule rule) { rule.load_in_interface(0).is_in(kInternal, 0).verdict(Verdict::kDrop); });
  add([](NftRule rule) { rule.load_out_interface(0).is_in(kInternal, 0).verdict(Verdict::kDrop); });
  add([](NftRule rule) { rule.load_out_interface(0).is_in(kBridges, 0, false).verdict(Verdict::kReturn); });
  add([](NftRule rule) { rule.connection_is_established().verdict(Verdict::kAccept); });
  add([](NftRule rule) { rule.connection_was_redirected().verdict(Verdict::kAccept); });
  if (!is_v6)
    add([](NftRule rule) {
      rule.load_source(0).load_destination(1).load_protocol(2).load_destination_port(3);
      rule.is_in(kLinked, 0).verdict(Verdict::kAccept);
    });
  auto add_direct = [&](auto from) {
    add([&](NftRule rule) {
      from(rule);
      rule.load_destination(0).load_protocol(after_address).load_destination_port(after_address + 1);
      rule.is_in(kDirect, 0).verdict(Verdict::kAccept);
    });
  };
  add_direct([](NftRule& rule) { rule.load_interfaces(0, 4).is_in(kTrusted, 0); });
  add_direct([](NftRule& rule) { rule.load_out_interface(0).is_in(kDirectBridges, 0); });
  if (accept) add([&](NftRule rule) { rule.has_mark(*accept).verdict(Verdict::kAccept); });
  add([](NftRule rule) { rule.load_out_interface(0).is_in(kOpen, 0).verdict(Verdict::kAccept); });
  add([&](NftRule rule) {
    rule.load_destination(0).load_protocol(after_address).load_destination_port(after_address + 1);
    rule.is_in(kOpened, 0).verdict(Verdict::kAccept);
  });
  add([&](NftRule rule) {
    rule.load_out_interface(0).is_in(kRouted, 0).protocol_is(icmp);
    rule.verdict(Verdict::kAccept);
  });
  add([](NftRule rule) { rule.verdict(Verdict::kDrop); });
}

// The port under the container's own address.
FirewallElement inside_of(const Endpoint& endpoint, const PortBinding& binding, std::string_view set, bool is_v6) {
  return {is_v6,
          std::string(set),
          cat(address_field(container_address(endpoint, is_v6)), protocol_field(binding.protocol),
              port_field(binding.container_port)),
          {}};
}

FirewallElement element_of(const Endpoint& endpoint, const PortBinding& binding) {
  IpAddress host = host_address(binding);
  std::string protocol = protocol_field(binding.protocol);
  if (binding.host_port == 0) return inside_of(endpoint, binding, kOpened, host.is_v6());
  std::string port = protocol + port_field(binding.host_port);
  if (host.is_any()) return {host.is_v6(), std::string(kPublishedAny), port, {}};
  return {host.is_v6(), std::string(kPublished), address_field(host) + port, {}};
}

std::string target_of(const Endpoint& endpoint, const PortBinding& binding) {
  if (binding.host_port == 0) return {};
  return address_field(container_address(endpoint, host_address(binding).is_v6())) + port_field(binding.container_port);
}

FirewallElement range_of(const PortBinding& first, const PortBinding& last) {
  IpAddress host = host_address(first);
  std::string before = (host.is_any() ? "" : address_field(host)) + protocol_field(first.protocol);
  return {host.is_v6(), std::string(host.is_any() ? kRangesAny : kRanges), before + port_field(first.host_port),
          before + port_field(last.host_port)};
}

// Whether `next` goes on where `last` ends: both keep their numbers.
bool follows(const PortBinding& last, const PortBinding& next) {
  return next.host_ip == last.host_ip && next.protocol == last.protocol && next.host_port == last.host_port + 1 &&
         last.host_port == last.container_port && next.host_port == next.container_port && last.host_port != 0;
}

using Elements = std::map<FirewallElement, std::string>;

void add_run(Elements& elements, const Endpoint& endpoint, std::span<const PortBinding> run) {
  if (run.size() >= kShortestRange) {
    bool is_v6 = host_address(run.front()).is_v6();
    elements.emplace(range_of(run.front(), run.back()), address_field(container_address(endpoint, is_v6)));
    return;
  }
  for (const auto& binding : run) elements.emplace(element_of(endpoint, binding), target_of(endpoint, binding));
}

void add_direct(Elements& elements, const Endpoint& endpoint) {
  for (const auto& binding : endpoint.ports)
    for (bool is_v6 : {false, true})
      if (!(is_v6 ? endpoint.address6 : endpoint.address).empty())
        elements.emplace(inside_of(endpoint, binding, kDirect, is_v6), "");
}

}  // namespace

Elements elements_of(const Endpoints& endpoints) {
  Elements elements;
  for (const auto& [name, endpoint] : endpoints) {
    if (endpoint.direct) add_direct(elements, endpoint);
    auto ports = endpoint.ports;
    std::erase_if(ports, [](const PortBinding& one) { return one.relayed; });
    std::ranges::sort(ports, {}, [](const PortBinding& one) {
      return std::tie(one.host_ip, one.protocol, one.host_port, one.container_port);
    });
    for (std::size_t begin = 0, end = 0; begin < ports.size(); begin = end) {
      for (end = begin + 1; end < ports.size() && follows(ports[end - 1], ports[end]);) ++end;
      add_run(elements, endpoint, std::span(ports).subspan(begin, end - begin));
    }
  }
  return elements;
}

FirewallElement element_of(const LinkedPort& port) {
  auto field = [](const std::string& text) { return address_field(IpAddress::parse(text).value_or(IpAddress{})); };
  return {false,
          std::string(kLinked),
          cat(field(port.from), field(port.to), protocol_field(port.protocol), port_field(port.number)),
          {}};
}

void write_site_table(NftTransaction& change) {
  change.select_inet();
  change.add_table();
  change.add_base_chain("forward", "filter", Hook::kForward, kFilter - 10);
}

void write_rules(NftTransaction& change, const Bridges& bridges, const std::optional<linux::PacketMark>& accept,
                 bool is_v6) {
  add_sets(change, is_v6);
  for (const auto& element : elements_of(bridges, is_v6)) change.add_element(element.map, element.key);
  add_publishing(change, is_v6);
  if (is_v6) add_loopback(change, bridges);
  change.add_base_chain(kPostrouting, "nat", Hook::kPostrouting, kSourceNat);
  add_source_translation(change, bridges, is_v6);
  add_guard(change, is_v6);
  add_forward(change, accept, is_v6);
}

void update_rules(NftTransaction& change, const Bridges& before, const Bridges& now, bool is_v6) {
  auto former = elements_of(before, is_v6), wanted = elements_of(now, is_v6);
  for (const auto& element : former)
    if (!wanted.contains(element)) change.delete_element(element.map, element.key);
  for (const auto& element : wanted)
    if (!former.contains(element)) change.add_element(element.map, element.key);
  change.delete_rules(kPostrouting);
  add_source_translation(change, now, is_v6);
  if (!is_v6) return;
  change.delete_rules(kLoopback);
  add_loopback_rules(change, now);
}

}  // namespace hull::network
