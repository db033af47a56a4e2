// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/id.h"
#include "network/state.h"

// Which address who has.
namespace hull::network {

namespace {

bool is_host_part(const std::string& text, const Subnet& subnet) {
  auto address = IpAddress::parse(text);
  return address && subnet.contains(*address);
}

AddressPool pool_of(const Subnet& subnet, const Subnet& range, const std::string& gateway, const StringMap& auxiliary) {
  std::set<IpAddress> reserved;
  if (is_host_part(gateway, subnet)) reserved.insert(*IpAddress::parse(gateway));
  for (const auto& [name, text] : auxiliary)
    if (is_host_part(text, subnet)) reserved.insert(*IpAddress::parse(text));
  return AddressPool(subnet, range, reserved);
}

// The default bridge's addresses are known only when it is there: they become its configuration.
std::vector<IpamConfig> ipam_of(const Bridge& bridge, const Options& options) {
  std::vector<IpamConfig> ipam;
  for (const Subnet& gateway : bridge.gateways) {
    IpamConfig one{gateway.network().text(), {}, gateway.address.text(), {}};
    bool is_v6 = gateway.is_v6();
    one.ip_range = is_v6 ? options.fixed_cidr_v6 : options.fixed_cidr;
    const std::string& other = is_v6 ? options.default_gateway6 : options.default_gateway;
    if (!other.empty()) one.auxiliary[is_v6 ? "DefaultGatewayIPv6" : "DefaultGatewayIPv4"] = other;
    ipam.push_back(std::move(one));
  }
  return ipam;
}

}  // namespace

void Networks::State::make_pools(LiveNetwork& network) {
  if (network.config.predefined && network.bridge) {
    network.config.ipam = ipam_of(*network.bridge, options);
    network.config.ipv6 = std::ranges::any_of(network.bridge->gateways, &Subnet::is_v6);
  }
  network.pools.clear();
  for (const auto& ipam : network.config.ipam) {
    auto subnet = parse_subnet(ipam.subnet);
    if (!subnet) continue;
    Subnet range = parse_subnet(ipam.ip_range).value_or(*subnet);
    network.pools.push_back(pool_of(*subnet, range, ipam.gateway, ipam.auxiliary));
  }
  for (const auto& [id, member] : members) {
    auto endpoint = member.endpoints.find(network.config.name);
    if (endpoint == member.endpoints.end()) continue;
    for (const auto& text : {endpoint->second.address, endpoint->second.address6})
      if (auto address = IpAddress::parse(text))
        for (auto& pool : network.pools) pool.take(*address);
  }
}

std::vector<Subnet> Networks::State::subnets_in_use() const {
  std::vector<Subnet> subnets;
  std::lock_guard lock(mutex);
  for (const auto& network : networks) {
    if (network->config.config_only) continue;
    for (const auto& ipam : network->config.ipam)
      if (auto subnet = parse_subnet(ipam.subnet)) subnets.push_back(*subnet);
  }
  return subnets;
}

std::string Networks::State::take_address(LiveNetwork& network, bool is_v6, const std::string& wanted,
                                          int& prefix_length, const std::string& preferred) {
  std::lock_guard lock(mutex);
  if (auto address = wanted.empty() ? IpAddress::parse(preferred) : std::nullopt)
    for (auto& pool : network.pools)
      if (pool.take_again(*address)) {
        prefix_length = pool.subnet().prefix_length;
        return address->text();
      }
  for (auto& pool : network.pools) {
    if (pool.subnet().is_v6() != is_v6) continue;
    prefix_length = pool.subnet().prefix_length;
    if (wanted.empty()) {
      if (auto address = pool.take_lowest()) return address->text();
      continue;
    }
    auto address = IpAddress::parse(wanted);
    if (!address || !pool.subnet().contains(*address)) continue;
    if (!pool.take(*address)) fail(Kind::kForbidden, "Address already in use");
    return address->text();
  }
  if (!wanted.empty()) fail_invalid("invalid endpoint settings:\nno configured subnet contains IP address ", wanted);
  fail(Kind::kUnavailable, "no available ", is_v6 ? "IPv6" : "IPv4",
       " addresses on this network's address pools: ", network.config.name, " (", short_id(network.config.id), ")");
}

std::vector<std::pair<Subnet, AddressUse>> Networks::address_use(const std::string& network_id) const {
  std::vector<std::pair<Subnet, AddressUse>> uses;
  std::lock_guard lock(state_->mutex);
  for (const auto& network : state_->networks) {
    if (network->config.id != network_id) continue;
    if (network->pools.empty()) state_->make_pools(*network);  // nobody has been there since the engine's start
    for (const auto& pool : network->pools) uses.emplace_back(pool.subnet(), pool.use());
  }
  return uses;
}

void Networks::State::give_back_addresses(const Endpoint& endpoint) {
  std::lock_guard lock(mutex);
  for (const auto& network : networks) {
    if (network->config.id != endpoint.network_id) continue;
    for (const auto& text : {endpoint.address, endpoint.address6})
      if (auto address = IpAddress::parse(text))
        for (auto& pool : network->pools) pool.give_back(*address);
  }
}

}  // namespace hull::network
