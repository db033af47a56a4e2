// SPDX-License-Identifier: Apache-2.0
#include "network/firewall.h"

#include <netinet/in.h>

namespace hull::network {

namespace {

using linux::NftRule;
using linux::NftTransaction;
using linux::Verdict;

constexpr std::string_view kPublished = "published", kPublishedAny = "published_any", kPublish = "publish";
constexpr Subnet kLoopback{127u << 24, 8};

// Priorities of netfilter's own hooks (NF_IP_PRI_*).
constexpr int kRaw = -300, kDestinationNat = -100, kFilter = 0, kSourceNat = 100;

std::string padded(std::string bytes) {
  bytes.resize(4);
  return bytes;
}
std::string address_field(std::uint32_t address) {
  std::uint32_t value = htonl(address);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::string port_field(std::uint16_t port) {
  return padded({static_cast<char>(port >> 8), static_cast<char>(port & 255)});
}
std::string protocol_field(std::string_view name) {
  int number = name == "tcp" ? IPPROTO_TCP : name == "udp" ? IPPROTO_UDP : IPPROTO_SCTP;
  return padded(std::string(1, static_cast<char>(number)));
}

void add_maps(NftTransaction& change) {
  using Field = NftTransaction::Field;
  std::vector<Field> target{Field::kAddress, Field::kPort};
  change.add_map(kPublished, {Field::kAddress, Field::kProtocol, Field::kPort}, target);
  change.add_map(kPublishedAny, {Field::kProtocol, Field::kPort}, target);
  change.add_chain(kPublish);
  change.add_rule(kPublish, [](NftRule rule) {
    rule.load_destination(0).load_protocol(1).load_destination_port(2).look_up(kPublished, 0, 0).redirect(0, 1);
  });
  change.add_rule(kPublish, [](NftRule rule) {
    rule.load_protocol(0).load_destination_port(1).look_up(kPublishedAny, 0, 0).redirect(0, 1);
  });
}

void add_translation(NftTransaction& change, const std::string& bridge, const Subnet& subnet) {
  using Hook = NftTransaction::Hook;
  change.add_base_chain("prerouting", "nat", Hook::kPrerouting, kDestinationNat);
  change.add_rule("prerouting", [](NftRule rule) {
    rule.destination_in(kLoopback.address, kLoopback.prefix_length, false).destination_is_local().jump(kPublish);
  });
  change.add_base_chain("output", "nat", Hook::kOutput, kDestinationNat);
  change.add_rule("output", [](NftRule rule) { rule.destination_is_local().jump(kPublish); });

  change.add_base_chain("postrouting", "nat", Hook::kPostrouting, kSourceNat);
  change.add_rule("postrouting", [&](NftRule rule) {
    rule.to_interface(bridge).source_in(kLoopback.address, kLoopback.prefix_length).masquerade();
  });
  change.add_rule("postrouting", [&](NftRule rule) {
    rule.to_interface(bridge).source_in(subnet.address, subnet.prefix_length).connection_was_redirected().masquerade();
  });
  change.add_rule("postrouting", [&](NftRule rule) {
    rule.source_in(subnet.address, subnet.prefix_length).to_interface(bridge, false).masquerade();
  });
}

void add_filters(NftTransaction& change, const std::string& bridge) {
  using Hook = NftTransaction::Hook;
  change.add_base_chain("guard", "filter", Hook::kPrerouting, kRaw);
  change.add_rule("guard", [&](NftRule rule) {
    rule.from_interface(bridge).destination_in(kLoopback.address, kLoopback.prefix_length).verdict(Verdict::kDrop);
  });
  change.add_base_chain("forward", "filter", Hook::kForward, kFilter);
  change.add_rule("forward", [&](NftRule rule) { rule.to_interface(bridge, false).verdict(Verdict::kReturn); });
  change.add_rule("forward", [&](NftRule rule) { rule.from_interface(bridge).verdict(Verdict::kAccept); });
  change.add_rule("forward", [](NftRule rule) { rule.connection_is_established().verdict(Verdict::kAccept); });
  change.add_rule("forward", [](NftRule rule) { rule.connection_was_redirected().verdict(Verdict::kAccept); });
  change.add_rule("forward", [](NftRule rule) { rule.verdict(Verdict::kDrop); });
}

}  // namespace

Firewall::Firewall(std::string table) : table_(std::move(table)) {}

linux::NetlinkSocket& Firewall::socket() {
  if (!socket_) socket_.emplace(NETLINK_NETFILTER);
  return *socket_;
}

Firewall::Element Firewall::element_of(const PortBinding& binding) {
  std::string port = protocol_field(binding.protocol) + port_field(binding.host_port);
  std::uint32_t host = parse_address(binding.host_ip).value_or(0);
  if (host == 0) return {std::string(kPublishedAny), port};
  return {std::string(kPublished), address_field(host) + port};
}

std::string Firewall::target_of(const std::string& address, const PortBinding& binding) {
  return address_field(parse_address(address).value_or(0)) + port_field(binding.container_port);
}

void Firewall::install_locked() {
  NftTransaction change(table_);
  // Deleting asks for a table that exists.
  change.add_table();
  change.delete_table();
  change.add_table();
  add_maps(change);
  add_translation(change, bridge_, subnet_);
  add_filters(change, bridge_);
  for (const auto& [element, target] : published_) change.add_element(element.map, element.key, target);
  change.commit(socket());
}

void Firewall::install(const std::string& bridge, const Subnet& subnet) {
  std::lock_guard lock(mutex_);
  bridge_ = bridge;
  subnet_ = subnet;
  install_locked();
}

void Firewall::remove() {
  std::lock_guard lock(mutex_);
  NftTransaction change(table_);
  change.add_table();
  change.delete_table();
  change.commit(socket());
}

void Firewall::remember(const std::string& address, const std::vector<PortBinding>& bound) {
  std::lock_guard lock(mutex_);
  for (const auto& binding : bound) published_[element_of(binding)] = target_of(address, binding);
}

void Firewall::publish(const std::string& address, const std::vector<PortBinding>& bound) {
  remember(address, bound);
  std::lock_guard lock(mutex_);
  try {
    NftTransaction change(table_);
    for (const auto& binding : bound) {
      Element element = element_of(binding);
      change.add_element(element.map, element.key, target_of(address, binding));
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
  std::lock_guard lock(mutex_);
  NftTransaction change(table_);
  bool any = false;
  for (const auto& binding : bound) {
    Element element = element_of(binding);
    if (published_.erase(element) == 0) continue;
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
