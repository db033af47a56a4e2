// SPDX-License-Identifier: Apache-2.0
#include "network/state.h"

#include <linux/rtnetlink.h>
#include <sys/epoll.h>

#include <algorithm>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "network/foreign_firewall.h"

namespace hull::network {

namespace {

constexpr std::size_t kReady = 3;  // starts that come faster than 1 ms make their own
constexpr std::chrono::seconds kUntilDeleted{1};

void warn_of_other_firewalls(const Options& options) {
  for (const auto& text : foreign_firewall_warnings({BridgeInView{options.bridge, !options.bip6.empty()}}))
    log::warn(text);
}

BridgePolicy policy_of(const Network& network) {
  BridgePolicy policy;
  policy.name = network.bridge;
  policy.internal = network.internal;
  policy.icc = option_is_set(network, kIcc, true);
  const std::string trusted = option_of(network, kTrustedInterfaces);
  for (auto name : split(trusted, ':'))
    if (!name.empty()) policy.trusted.emplace_back(name);
  for (bool is_v6 : {false, true}) {
    FamilyPolicy& family = is_v6 ? policy.v6 : policy.v4;
    family.mode = gateway_mode_of(network, is_v6);
    family.masquerade = option_is_set(network, kMasquerade, true);
    family.source = option_of(network, is_v6 ? kHostAddress6 : kHostAddress4);
    for (const auto& ipam : network.ipam)
      if (auto subnet = parse_subnet(ipam.subnet); subnet && subnet->is_v6() == is_v6)
        family.gateways.push_back({IpAddress::parse(ipam.gateway).value_or(subnet->address), subnet->prefix_length});
  }
  return policy;
}

std::vector<PoolSource> parse_pool_sources(const std::vector<std::string>& texts) {
  std::vector<PoolSource> sources;
  for (const auto& text : texts) sources.push_back(parse_pool_source(text));
  return sources.empty() ? default_pool_sources() : sources;
}

}  // namespace

Networks::State::State(store::Database& store, linux::Reactor& used, Options wanted)
    : database(store),
      options(std::move(wanted)),
      pool_sources(parse_pool_sources(options.address_pools)),
      marks(options.firewall_table),
      has_bridge(options.bridge != "none"),
      started(now().nanoseconds),
      firewall(options.firewall_table, options.accept),
      ports([this](const std::string& id) { return name_of(id); }),
      name_service(used, name_table),
      reactor(used),
      isolated(used, kReady, [] { return make_isolated_namespace(); }),
      plugs(used, kReady,
            [this] {
              Wire wire{new_interface_name(), std::string(kInterface), options.mtu, !options.icc};
              return make_plug(marks, wire, ready_bridge(default_bridge));
            }),
      background(used) {
  read_networks();
}

Networks::State::~State() { reactor.cancel(firewall_watch_id); }

void Networks::State::watch_firewall() {
  if (firewall_watch) return;
  try {
    firewall_watch.emplace();
  } catch (const Error& e) {
    log::warn("the firewall cannot be watched, a flushed one is put back by the next change: ", e.message());
    return;
  }
  firewall_watch_id = reactor.watch(firewall_watch->fd(), EPOLLIN, [this](std::uint32_t) {
    if (!firewall.damaged(*firewall_watch)) return;
    log::info("the firewall table ", options.firewall_table, " was changed by somebody else: putting it back");
    background.run([this] { firewall.reinstall(); });
  });
}

Bridge Networks::State::ready_bridge(const LiveNetworkPtr& network) {
  {
    std::lock_guard lock(mutex);
    if (network->bridge) return *network->bridge;
  }
  prepare(network);
  std::lock_guard lock(mutex);
  return *network->bridge;
}

BridgeWish Networks::State::wish_for(const Network& network) const {
  BridgeWish wish;
  wish.name = network.bridge;
  wish.pools = pool_sources;
  wish.mtu = mtu_of(network);
  if (network.predefined) {
    if (!options.bip.empty()) wish.gateways.push_back(parse_bridge_address(options.bip));
    if (!options.bip6.empty()) wish.gateways.push_back(parse_bridge_address(options.bip6));
    wish.ipv6 = options.ipv6;
    for (const auto& text : {options.fixed_cidr, options.fixed_cidr_v6})
      if (!text.empty()) wish.ranges.push_back(parse_range(text));
    return wish;
  }
  wish.ipv4 = false;  // the addresses are known, from create()
  wish.group = marks.live;
  bool inhibit_ipv4 = option_is_set(network, kInhibitIpv4, false);
  for (const auto& ipam : network.ipam) {
    auto subnet = parse_subnet(ipam.subnet);
    auto gateway = IpAddress::parse(ipam.gateway);
    if (!subnet || !gateway || (inhibit_ipv4 && !subnet->is_v6())) continue;
    if (gateway_mode_of(network, subnet->is_v6()) == GatewayMode::kIsolated) continue;
    wish.gateways.push_back({*gateway, subnet->prefix_length});
  }
  return wish;
}

void Networks::State::prepare(const LiveNetworkPtr& network) {
  std::lock_guard one_at_a_time(preparing);
  BridgeWish wish;
  {
    std::lock_guard lock(mutex);
    wish = wish_for(network->config);
  }
  Bridge found;
  {
    auto pools = lock_pools();
    found = ensure_bridge(wish);
  }
  bool warn = false, replaced = false;
  {
    std::lock_guard lock(mutex);
    warn = !std::exchange(warned, true);
    replaced = network == default_bridge && network->bridge && network->bridge->index != found.index;
    bool same_addresses = network->bridge && network->bridge->gateways == found.gateways;
    network->bridge = found;
    if (!same_addresses) make_pools(*network);
  }
  install_firewall();
  watch_firewall();
  if (replaced) plugs.clear();
  if (warn) warn_of_other_firewalls(options);
}

void Networks::State::install_firewall() {
  std::vector<BridgePolicy> policies;
  {
    std::lock_guard lock(mutex);
    for (const auto& network : networks) {
      if (!network->bridge) continue;
      policies.push_back(policy_of(network->config));
      policies.back().direct = options.direct_routing;
    }
  }
  firewall.install(std::move(policies));
}

std::string Networks::State::name_of(const std::string& container_id) const {
  std::lock_guard lock(mutex);
  auto found = members.find(container_id);
  return found == members.end() ? short_id(container_id) : found->second.name;
}

std::string Networks::State::new_interface_name() {
  std::string name = marks.prefix + random_hex(3);
  std::lock_guard lock(mutex);
  if (!recovered) made_before_recovery.insert(name);
  return name;
}

Plug Networks::State::take_plug() {
  Bridge target = ready_bridge(default_bridge);
  if (linux::interface_index(target.name) != target.index) {
    // Somebody deleted the bridge under us: what is ready hangs on nothing.
    prepare(default_bridge);
    target = ready_bridge(default_bridge);
  }
  if (auto plug = plugs.take()) return std::move(*plug);
  auto make = [&](const Bridge& bridge) {
    return make_plug(marks, {new_interface_name(), std::string(kInterface), options.mtu, !options.icc}, bridge);
  };
  try {
    return make(target);
  } catch (const Error&) {
    linux::NetlinkSocket socket(NETLINK_ROUTE);
    auto link = linux::find_link(socket, options.bridge);
    if (link && link->index == target.index) throw;
  }
  prepare(default_bridge);
  return make(ready_bridge(default_bridge));
}

void Networks::State::condemn(const std::string& host_interface) {
  {
    std::lock_guard lock(mutex);
    bool scheduled = !condemned.empty();
    condemned.insert(host_interface);
    if (scheduled) return;
  }
  background.run_after(kUntilDeleted, [this] {
    std::set<std::string> names;
    {
      std::lock_guard lock(mutex);
      names.swap(condemned);
    }
    delete_interfaces(names);
  });
}

void Networks::State::delete_interfaces(const std::set<std::string>& names) {
  if (names.empty()) return;
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  linux::NetlinkBatch batch;
  for (const auto& link : linux::list_links(socket))
    if (names.contains(link.name)) linux::set_group(batch, link.index, marks.condemned);
  if (batch.empty()) return;
  linux::delete_group(batch, marks.condemned);
  // One that vanishes meanwhile is what we want.
  for (const auto& outcome : socket.try_execute(batch))
    if (outcome.code && outcome.code != ENODEV) log::warn("cannot delete interfaces: ", errno_text(outcome.code));
}

}  // namespace hull::network
