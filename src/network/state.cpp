// SPDX-License-Identifier: Apache-2.0
#include "network/state.h"

#include <linux/rtnetlink.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"

namespace hull::network {

namespace {

constexpr std::size_t kReady = 3;  // starts that come faster than 1 ms make their own
constexpr std::chrono::seconds kUntilDeleted{1};

void warn_of_other_firewalls(const Options& options) {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  for (const auto& chain : linux::forward_chains_that_drop(socket, options.firewall_table))
    log::warn("the firewall chain \"", chain, "\" drops forwarded packets: containers on ", options.bridge,
              " have no network beyond this machine until it accepts the interface ", options.bridge);
}

}  // namespace

Networks::State::State(store::Database& store, linux::Reactor& reactor, Options wanted)
    : database(store),
      options(std::move(wanted)),
      marks(options.bridge),
      has_bridge(options.bridge != "none"),
      started(now().nanoseconds),
      firewall(options.firewall_table),
      isolated(reactor, kReady, [] { return make_isolated_namespace(); }),
      plugs(reactor, kReady, [this] { return make_plug(marks, new_interface_name(), ready_bridge()); }),
      background(reactor) {}

Bridge Networks::State::ready_bridge() {
  {
    std::lock_guard lock(mutex);
    if (bridge) return *bridge;
  }
  prepare();
  std::lock_guard lock(mutex);
  return *bridge;
}

void Networks::State::prepare() {
  std::lock_guard one_at_a_time(preparing);
  Bridge found = ensure_bridge(options);
  firewall.install(options.bridge, found.address);
  bool warn = false, replaced = false;
  {
    std::lock_guard lock(mutex);
    warn = !std::exchange(warned, true);
    replaced = bridge && bridge->index != found.index;
    if (!bridge || bridge->address.address != found.address.address) {
      addresses.emplace(found.address, found.address.address);
      for (const auto& [id, endpoint] : endpoints)
        if (auto address = parse_address(endpoint.address)) addresses->take(*address);
    }
    bridge = found;
  }
  if (replaced) plugs.clear();
  if (warn) warn_of_other_firewalls(options);
}

std::string Networks::State::new_interface_name() {
  std::string name = marks.prefix + random_hex(3);
  std::lock_guard lock(mutex);
  if (!recovered) made_before_recovery.insert(name);
  return name;
}

Plug Networks::State::take_plug(int network_namespace) {
  Bridge target = ready_bridge();
  if (network_namespace < 0)
    if (auto plug = plugs.take()) return std::move(*plug);
  try {
    return make_plug(marks, new_interface_name(), target, network_namespace);
  } catch (const Error&) {
    linux::NetlinkSocket socket(NETLINK_ROUTE);
    auto link = linux::find_link(socket, options.bridge);
    if (link && link->index == target.index) throw;
  }
  // Somebody deleted the bridge under us.
  prepare();
  return make_plug(marks, new_interface_name(), ready_bridge(), network_namespace);
}

std::uint32_t Networks::State::take_address() {
  std::lock_guard lock(mutex);
  if (auto address = addresses->take_lowest()) return *address;
  fail(Kind::kUnavailable, "no available IPv4 addresses on this network's address pools: bridge (",
       format_network(bridge->address), ")");
}

void Networks::State::give_back_address(const std::string& text) {
  auto address = parse_address(text);
  std::lock_guard lock(mutex);
  if (address && addresses) addresses->give_back(*address);
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
