// SPDX-License-Identifier: Apache-2.0
#include "network/parent_link.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/id.h"
#include "network/state.h"

namespace hull::network {

namespace {

struct Mode {
  std::string_view name;
  std::uint32_t value;
};
constexpr Mode kMacvlanModes[] = {{"bridge", MACVLAN_MODE_BRIDGE},
                                  {"private", MACVLAN_MODE_PRIVATE},
                                  {"vepa", MACVLAN_MODE_VEPA},
                                  {"passthru", MACVLAN_MODE_PASSTHRU}};
constexpr Mode kIpvlanModes[] = {{"l2", IPVLAN_MODE_L2}, {"l3", IPVLAN_MODE_L3}, {"l3s", IPVLAN_MODE_L3S}};
constexpr Mode kIpvlanFlags[] = {{"bridge", 0}, {"private", IPVLAN_F_PRIVATE}, {"vepa", IPVLAN_F_VEPA}};

constexpr std::uint16_t kHighestVlan = 4094;

template <std::size_t Size>
std::uint32_t choice(const Network& network, std::string_view option, const Mode (&modes)[Size]) {
  std::string value = option_of(network, option);
  if (value.empty()) return modes[0].value;
  std::vector<std::string> names;
  for (const Mode& mode : modes) {
    if (mode.name == value) return mode.value;
    names.emplace_back(mode.name);
  }
  fail_invalid("requested ", option, " ", quoted(value), " is not valid: use ", join(names, ", "));
}

struct Vlan {
  std::string parent;
  std::uint16_t id = 0;
};
// "eth0.50"
std::optional<Vlan> vlan_of(const std::string& name) {
  auto dot = name.rfind('.');
  if (dot == name.npos) return std::nullopt;
  auto id = parse_number<std::uint16_t>(std::string_view(name).substr(dot + 1));
  if (!id || *id == 0 || *id > kHighestVlan || dot == 0) return std::nullopt;
  return Vlan{name.substr(0, dot), *id};
}

// A kernel that has no such links says so with EOPNOTSUPP; with others nobody can have a parent for himself (passthru)
// that still has links.
void make(linux::NetlinkSocket& socket, linux::NetlinkBatch& batch, const std::string& name, std::string_view kind) {
  auto outcome = execute_patiently(socket, batch, {EINVAL, EBUSY}).front();
  if (outcome.code == EOPNOTSUPP)
    fail(Kind::kInternal, "cannot make the interface ", name, ": this kernel has no interfaces of the kind ", kind);
  if (outcome.code && outcome.code != EEXIST)
    throw_errno(cat("make the interface ", name), outcome.detail, outcome.code);
}

linux::Link make_parent(linux::NetlinkSocket& socket, const Network& network, const ChildOptions& options,
                        std::uint32_t group) {
  std::string name = options.device(network);
  linux::NetlinkBatch batch;
  std::string_view kind = "dummy";
  if (options.parent.empty()) {
    linux::add_dummy(batch, {name, 0, -1, 0, group});
  } else {
    auto vlan = vlan_of(name);
    auto below = vlan ? linux::find_link(socket, vlan->parent) : std::nullopt;
    if (!below)
      fail_invalid("the parent ", quoted(name), " of the network ", network.name, " is no interface of this host",
                   vlan ? cat(", and neither is ", quoted(vlan->parent)) : "");
    linux::add_vlan(batch, {name, below->index, -1, 0, group}, vlan->id);
    kind = "vlan";
  }
  make(socket, batch, name, kind);
  auto made = linux::find_link(socket, name);
  if (!made) fail(Kind::kInternal, "the interface ", name, " has vanished");
  return *made;
}

}  // namespace

std::vector<linux::NetlinkSocket::Outcome> execute_patiently(linux::NetlinkSocket& socket, linux::NetlinkBatch& batch,
                                                             std::initializer_list<int> passing) {
  constexpr int kAttempts = 40;
  auto outcomes = socket.try_execute(batch);
  auto passes = [&](const auto& outcome) { return std::ranges::find(passing, outcome.code) != passing.end(); };
  for (int attempt = 0; attempt < kAttempts && std::ranges::any_of(outcomes, passes); ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    outcomes = socket.try_execute(batch);
    for (auto& outcome : outcomes)
      if (outcome.code == EEXIST) outcome.code = 0;
  }
  return outcomes;
}

bool is_child_driver(std::string_view driver) { return driver == "macvlan" || driver == "ipvlan"; }

std::string ChildOptions::device(const Network& network) const {
  return parent.empty() ? "dm-" + short_id(network.id) : parent;
}

ChildOptions child_options(const Network& network) {
  ChildOptions options;
  options.is_ipvlan = network.driver == "ipvlan";
  options.parent = option_of(network, "parent");
  if (options.parent.size() >= IFNAMSIZ || options.parent.find('/') != options.parent.npos)
    fail_invalid("invalid parent ", quoted(options.parent), ": at most 15 characters, without /");
  if (options.parent == "lo") fail_invalid("loopback interface is not a valid ", network.driver, " parent link");
  if (options.is_ipvlan) {
    options.mode = choice(network, "ipvlan_mode", kIpvlanModes);
    options.flags = static_cast<std::uint16_t>(choice(network, "ipvlan_flag", kIpvlanFlags));
    options.routes = options.mode != IPVLAN_MODE_L2;
  } else {
    options.mode = choice(network, "macvlan_mode", kMacvlanModes);
  }
  return options;
}

int ensure_parent(const Network& network, std::uint32_t group) {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  ChildOptions options = child_options(network);
  auto link = linux::find_link(socket, options.device(network));
  if (!link) link = make_parent(socket, network, options, group);
  if (!link->up) {
    linux::NetlinkBatch batch;
    linux::set_link_up(batch, link->index);
    socket.execute(batch, cat("bring ", link->name, " up"));
  }
  return link->index;
}

void remove_parent(const Network& network, std::uint32_t group) {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  auto link = linux::find_link(socket, child_options(network).device(network));
  if (!link || link->group != group) return;
  linux::NetlinkBatch batch;
  linux::delete_link(batch, link->index);
  auto outcome = socket.try_execute(batch).front();
  if (outcome.code && outcome.code != ENODEV) throw_errno("delete the interface", link->name, outcome.code);
}

int add_child_link(const Network& network, const Endpoint& endpoint, int network_namespace,
                   linux::NetlinkSocket& inside, std::uint32_t group) {
  ChildOptions options = child_options(network);
  linux::ChildLink link{endpoint.interface_name, ensure_parent(network, group), network_namespace, mtu_of(network), 0};
  linux::NetlinkSocket outside(NETLINK_ROUTE);
  linux::NetlinkBatch batch;
  if (options.is_ipvlan)
    linux::add_ipvlan(batch, link, static_cast<std::uint16_t>(options.mode), options.flags);
  else
    linux::add_macvlan(batch, link, options.mode);
  make(outside, batch, cat(link.name, " on ", options.device(network)), network.driver);
  auto made = linux::find_link(inside, link.name);
  if (!made) fail(Kind::kInternal, "the interface ", link.name, " has vanished");
  linux::NetlinkBatch up;
  linux::set_link_up(up, made->index);
  inside.execute(up, cat("bring ", link.name, " up"));
  return made->index;
}

}  // namespace hull::network
