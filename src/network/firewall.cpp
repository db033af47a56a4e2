// SPDX-License-Identifier: Apache-2.0
#include "network/firewall.h"

#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "linux/conntrack.h"

namespace hull::network {

namespace {

using linux::NftRule;
using linux::NftTransaction;
using linux::Verdict;
using Field = NftTransaction::Field;
using Hook = NftTransaction::Hook;

constexpr std::string_view kPublished = "published", kPublishedAny = "published_any", kPublish = "publish";
constexpr std::string_view kBridges = "bridges", kInternal = "internal", kSame = "same";

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

void add_sets(NftTransaction& change, const std::vector<BridgePolicy>& bridges, bool is_v6) {
  Field address = is_v6 ? Field::kAddress6 : Field::kAddress;
  std::vector<Field> target{address, Field::kPort};
  change.add_map(kPublished, {address, Field::kProtocol, Field::kPort}, target);
  change.add_map(kPublishedAny, {Field::kProtocol, Field::kPort}, target);
  change.add_set(kBridges, {Field::kInterface});
  change.add_set(kInternal, {Field::kInterface});
  change.add_set(kSame, {Field::kInterface, Field::kInterface});
  for (const auto& bridge : bridges) {
    std::string name = interface_field(bridge.name);
    change.add_element(kBridges, name);
    if (bridge.internal) change.add_element(kInternal, name);
    if (bridge.icc) change.add_element(kSame, name + name);
  }
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
  change.add_base_chain("prerouting", "nat", Hook::kPrerouting, kDestinationNat);
  change.add_rule("prerouting", [&](NftRule rule) {
    Subnet own = loopback(is_v6);
    rule.destination_in(own.address, own.prefix_length, false).destination_is_local().jump(kPublish);
  });
  change.add_base_chain("output", "nat", Hook::kOutput, kDestinationNat);
  change.add_rule("output", [](NftRule rule) { rule.destination_is_local().jump(kPublish); });
}

void add_source_translation(NftTransaction& change, const std::vector<BridgePolicy>& bridges, bool is_v6) {
  change.add_base_chain("postrouting", "nat", Hook::kPostrouting, kSourceNat);
  change.add_rule("postrouting", [&](NftRule rule) {
    Subnet own = loopback(is_v6);
    rule.source_in(own.address, own.prefix_length).load_out_interface(0).is_in(kBridges, 0).masquerade();
  });
  for (const auto& bridge : bridges) {
    for (const Subnet& subnet : bridge.subnets) {
      if (subnet.is_v6() != is_v6) continue;
      change.add_rule("postrouting", [&](NftRule rule) {
        rule.source_in(subnet.address, subnet.prefix_length).to_interface(bridge.name).connection_was_redirected();
        rule.masquerade();
      });
      if (!bridge.masquerade || bridge.internal) continue;
      change.add_rule("postrouting", [&](NftRule rule) {
        rule.source_in(subnet.address, subnet.prefix_length).to_interface(bridge.name, false).masquerade();
      });
    }
  }
}

void add_filters(NftTransaction& change, bool is_v6) {
  change.add_base_chain("guard", "filter", Hook::kPrerouting, kRaw);
  change.add_rule("guard", [&](NftRule rule) {
    Subnet own = loopback(is_v6);
    rule.load_in_interface(0).is_in(kBridges, 0).destination_in(own.address, own.prefix_length);
    rule.verdict(Verdict::kDrop);
  });
  change.add_base_chain("forward", "filter", Hook::kForward, kFilter);
  change.add_rule("forward",
                  [](NftRule rule) { rule.load_interfaces(0, 4).is_in(kSame, 0).verdict(Verdict::kAccept); });
  change.add_rule("forward",
                  [](NftRule rule) { rule.load_in_interface(0).is_in(kInternal, 0).verdict(Verdict::kDrop); });
  change.add_rule("forward",
                  [](NftRule rule) { rule.load_out_interface(0).is_in(kInternal, 0).verdict(Verdict::kDrop); });
  change.add_rule("forward",
                  [](NftRule rule) { rule.load_out_interface(0).is_in(kBridges, 0, false).verdict(Verdict::kReturn); });
  change.add_rule("forward", [](NftRule rule) { rule.connection_is_established().verdict(Verdict::kAccept); });
  change.add_rule("forward", [](NftRule rule) { rule.connection_was_redirected().verdict(Verdict::kAccept); });
  change.add_rule("forward", [](NftRule rule) { rule.verdict(Verdict::kDrop); });
}

// Flows of UDP have no end: a client that goes on would be led to the former container for ever.
void forget_flows_to(const std::vector<PortBinding>& bound) {
  std::set<std::uint16_t> ports;
  for (const auto& binding : bound)
    if (binding.protocol == "udp") ports.insert(binding.host_port);
  try {
    linux::forget_udp_flows(ports);
  } catch (const Error& e) {
    log::warn("flows of UDP keep their old translation: ", e.message());
  }
}

}  // namespace

Firewall::Firewall(std::string table) : table_(std::move(table)) {}

linux::NetlinkSocket& Firewall::socket() {
  if (!socket_) socket_.emplace(NETLINK_NETFILTER);
  return *socket_;
}

Firewall::Element Firewall::element_of(const PortBinding& binding) {
  std::string port = protocol_field(binding.protocol) + port_field(binding.host_port);
  IpAddress host = host_address(binding);
  if (host.is_any()) return {host.is_v6(), std::string(kPublishedAny), port};
  return {host.is_v6(), std::string(kPublished), address_field(host) + port};
}

std::string Firewall::target_of(const Endpoint& endpoint, const PortBinding& binding) {
  bool is_v6 = host_address(binding).is_v6();
  auto address = IpAddress::parse(is_v6 ? endpoint.address6 : endpoint.address);
  return address_field(address.value_or(IpAddress::any(is_v6))) + port_field(binding.container_port);
}

void Firewall::write_table(NftTransaction& change, bool is_v6) const {
  // Deleting asks for a table that exists.
  change.select(is_v6);
  change.add_table();
  change.delete_table();
  change.add_table();
  add_sets(change, bridges_, is_v6);
  add_publishing(change, is_v6);
  add_source_translation(change, bridges_, is_v6);
  add_filters(change, is_v6);
  for (const auto& [element, target] : published_)
    if (element.is_v6 == is_v6) change.add_element(element.map, element.key, target);
}

void Firewall::install_locked() {
  has_v6_ = has_v6_ || std::ranges::any_of(bridges_, [](const BridgePolicy& bridge) {
              return std::ranges::any_of(bridge.subnets, &Subnet::is_v6);
            });
  NftTransaction change(table_);
  write_table(change, false);
  if (has_v6_) write_table(change, true);
  change.commit(socket());
}

void Firewall::install(std::vector<BridgePolicy> bridges) {
  std::lock_guard lock(mutex_);
  bridges_ = std::move(bridges);
  install_locked();
}

void Firewall::reinstall() {
  std::lock_guard lock(mutex_);
  if (!bridges_.empty()) install_locked();
}

bool Firewall::damaged(linux::NftWatch& watch) {
  std::lock_guard lock(mutex_);
  return watch.removed_by_others(table_, socket().port());
}

void Firewall::remove() {
  std::lock_guard lock(mutex_);
  NftTransaction change(table_);
  for (bool is_v6 : {false, true}) {
    change.select(is_v6);
    change.add_table();
    change.delete_table();
  }
  change.commit(socket());
}

void Firewall::remember(const Endpoint& endpoint, const std::vector<PortBinding>& bound) {
  std::lock_guard lock(mutex_);
  for (const auto& binding : bound) published_[element_of(binding)] = target_of(endpoint, binding);
}

void Firewall::publish(const Endpoint& endpoint, const std::vector<PortBinding>& bound) {
  remember(endpoint, bound);
  publish_remembered(endpoint, bound);
  // A flow that began before has no translation, and would go on without one.
  forget_flows_to(bound);
}

void Firewall::publish_remembered(const Endpoint& endpoint, const std::vector<PortBinding>& bound) {
  std::lock_guard lock(mutex_);
  try {
    NftTransaction change(table_);
    for (const auto& binding : bound) {
      Element element = element_of(binding);
      change.select(element.is_v6);
      change.add_element(element.map, element.key, target_of(endpoint, binding));
    }
    change.commit(socket());
  } catch (const Error& e) {
    // Somebody flushed the ruleset (firewall managers do when they start), or an element of ours was left behind.
    if (e.code() != ENOENT && e.code() != EEXIST && e.code() != EBUSY) {
      for (const auto& binding : bound) published_.erase(element_of(binding));
      throw;
    }
    install_locked();
  }
}

void Firewall::withdraw(const std::vector<PortBinding>& bound) {
  withdraw_elements(bound);
  forget_flows_to(bound);
}

void Firewall::withdraw_elements(const std::vector<PortBinding>& bound) {
  std::lock_guard lock(mutex_);
  NftTransaction change(table_);
  bool any = false;
  for (const auto& binding : bound) {
    Element element = element_of(binding);
    if (published_.erase(element) == 0) continue;
    change.select(element.is_v6);
    change.delete_element(element.map, element.key);
    any = true;
  }
  if (!any) return;
  try {
    change.commit(socket());
  } catch (const Error& e) {
    if (e.code() != ENOENT) throw;
    install_locked();
  }
}

}  // namespace hull::network
