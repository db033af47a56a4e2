// SPDX-License-Identifier: Apache-2.0
#include <net/if.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "network/endpoint_options.h"
#include "network/ipam.h"
#include "network/parent_link.h"
#include "network/state.h"
#include "oci/json.h"

// Making and removing networks of the user.
namespace hull::network {

namespace {

constexpr std::array<std::string_view, 4> kPredefined = {"bridge", "host", "none", "default"};

bool is_predefined(std::string_view name) { return std::ranges::find(kPredefined, name) != kPredefined.end(); }

void check_name(const Network& wish) {
  if (trim(wish.name).empty()) fail_invalid("invalid name: name is empty");
  if (is_predefined(wish.name))
    fail(Kind::kForbidden, "operation is not permitted on predefined ", wish.name, " network");
}

void check_driver(const Network& wish) {
  if (wish.driver == "host" || wish.driver == "null")
    fail(Kind::kForbidden, "only one instance of ", quoted(wish.driver), " network is allowed");
  if (wish.driver == "overlay")
    fail(Kind::kUnavailable,
         "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to "
         "swarm and try again.");
  if (wish.driver != "bridge" && !is_child_driver(wish.driver))
    fail(Kind::kNotFound, "could not find plugin ", wish.driver,
         ": hull's network drivers are bridge, macvlan, ipvlan, host and null");
}

void check_options(const Network& wish) {
  if (is_child_driver(wish.driver)) {
    child_options(wish);
    mtu_of(wish);
    return;
  }
  for (auto name : {kEnableIpv4, kEnableIpv6, kIcc, kMasquerade, kInhibitIpv4}) option_is_set(wish, name, true);
  mtu_of(wish);
  for (bool is_v6 : {false, true}) gateway_mode_of(wish, is_v6);
  for (auto name : {kHostAddress4, kHostAddress6}) {
    auto given = wish.options.find(std::string(name));
    if (given == wish.options.end()) continue;
    auto address = IpAddress::parse(given->second);
    if (!address || address->is_v6() != (name == kHostAddress6))
      fail_invalid("invalid value ", quoted(given->second), " of the network option ", quoted(name), ": it is no ",
                   name == kHostAddress6 ? "IPv6" : "IPv4", " address");
  }
  auto binding = wish.options.find(std::string(kHostBinding));
  if (binding != wish.options.end() && !binding->second.empty() && !IpAddress::parse(binding->second))
    fail_invalid("invalid value ", quoted(binding->second), " of the network option ", quoted(kHostBinding),
                 ": it is no IP address");
}

void check_addresses(const Network& wish) {
  if (!wish.ipv4 && !wish.ipv6) fail_invalid("IPv4 or IPv6 must be enabled");
  if (wish.ipam_driver != "default" && wish.ipam_driver != "null")
    fail(Kind::kNotFound, "failed to find ipam driver ", quoted(wish.ipam_driver), ": hull has default and null");
  auto problems = ipam_problems(wish);
  if (!problems.empty()) fail_invalid("invalid network config:\n", join(problems, "\n"));
}

std::string device_name(const Network& wish) {
  auto given = wish.options.find(std::string(kBridgeName));
  if (given == wish.options.end() || given->second.empty()) return "br-" + short_id(wish.id);
  if (given->second.size() >= IFNAMSIZ || given->second.find('/') != std::string::npos)
    fail_invalid("invalid bridge name ", quoted(given->second), ": at most 15 characters, without /");
  return given->second;
}

// --config-from: all but the name, the driver and the labels comes from a network that is nothing but a configuration.
void take_configuration(Network& wish, const Networks& networks) {
  if (wish.config_from.empty()) return;
  if (wish.config_only) fail_invalid("a configuration network cannot depend on another one");
  auto source = networks.find(wish.config_from);
  if (!source) fail(Kind::kNotFound, "configuration network ", hull::quoted(wish.config_from), " not found");
  if (!source->config_only) fail(Kind::kForbidden, "not a configuration network: ", hull::quoted(wish.config_from));
  bool has_own = !wish.ipam.empty() || !wish.options.empty() || wish.ipv6 || wish.internal;
  if (has_own)
    fail(Kind::kForbidden,
         "user-specified configurations are not supported if the network depends on a configuration "
         "network");
  wish.config_from = source->name;
  wish.ipam = source->ipam;
  wish.ipam_driver = source->ipam_driver;
  wish.ipam_options = source->ipam_options;
  wish.options = source->options;
  wish.ipv4 = source->ipv4;
  wish.ipv6 = source->ipv6;
  wish.internal = source->internal;
}

// Two networks on one parent would hand out the same hardware's addresses twice.
void check_parent(const Network& wish, const std::vector<Network>& others) {
  if (!is_child_driver(wish.driver)) return;
  std::string parent = child_options(wish).parent;
  if (parent.empty()) return;
  for (const auto& other : others)
    if (is_child_driver(other.driver) && child_options(other).parent == parent)
      fail(Kind::kForbidden, "network ", other.name, " is already using parent interface ", parent);
}

// hulld --default-network-opt. What the network itself says counts more.
void add_usual_options(Network& wish, const Options& options, FamiliesAsked asked) {
  auto usual = options.network_options.find(wish.driver);
  if (usual == options.network_options.end()) return;
  for (const auto& [name, value] : usual->second) {
    bool decided = (asked.ipv4 && name == kEnableIpv4) || (asked.ipv6 && name == kEnableIpv6);
    if (!decided) wish.options.emplace(name, value);
  }
}

void settle_families(Network& wish, FamiliesAsked asked) {
  if (!asked.ipv4) wish.ipv4 = option_is_set(wish, kEnableIpv4, wish.ipv4);
  if (!asked.ipv6) wish.ipv6 = option_is_set(wish, kEnableIpv6, wish.ipv6);
}

std::string row_text(const Network& network) { return dump_json(to_json(network)); }

}  // namespace

Network Networks::create(Network wish, FamiliesAsked asked) {
  State& state = *state_;
  if (wish.driver.empty() || wish.driver == "default") wish.driver = "bridge";
  check_name(wish);
  take_configuration(wish, *this);
  if (!wish.config_only) {
    check_driver(wish);
    if (wish.config_from.empty()) {
      add_usual_options(wish, state.options, asked);
      settle_families(wish, asked);
    }
    check_options(wish);
  } else {
    wish.driver = "null";
  }
  check_addresses(wish);
  wish.id = random_id();
  wish.bridge = wish.driver == "bridge" ? device_name(wish) : "";
  // Without a parent it leads nowhere.
  if (is_child_driver(wish.driver) && child_options(wish).parent.empty()) wish.internal = true;
  wish.created = now().nanoseconds;
  wish.predefined = false;

  std::unique_lock preparing(state.preparing);
  auto existing = state.find(wish.name);
  if (existing && existing->config.name == wish.name)
    fail(Kind::kConflict, "network with name ", wish.name, " already exists");
  check_parent(wish, list());
  for (const auto& network : list())
    if (!wish.bridge.empty() && network.bridge == wish.bridge)
      fail(Kind::kForbidden, "cannot create network ", wish.id, " (", wish.bridge, "): conflicts with network ",
           network.id, " (", network.bridge, "): networks have same bridge name");
  auto live = std::make_shared<LiveNetwork>();
  Rollback rollback;
  {
    auto pools = lock_pools();
    if (!wish.config_only) choose_addresses(wish, state.pool_sources, state.subnets_in_use());
    rollback.add("record", [&] { state.database.remove_network(wish.id); });
    state.database.add_network({wish.id, wish.name, row_text(wish)});
    fault::point("network.recorded");
    live->config = wish;
    if (!wish.bridge.empty()) {
      rollback.add("bridge", [&] { remove_bridge(wish.bridge); });
      live->bridge = ensure_bridge(state.wish_for(wish));
    } else if (is_child_driver(wish.driver)) {
      rollback.add("parent", [&] { remove_parent(wish, state.marks.live); });
      ensure_parent(wish, state.marks.live);
    }
    fault::point("network.made");
  }
  {
    std::lock_guard lock(state.mutex);
    state.make_pools(*live);
    state.networks.push_back(live);
  }
  rollback.add("network", [&] {
    std::lock_guard lock(state.mutex);
    std::erase(state.networks, live);
  });
  if (!wish.bridge.empty()) {
    state.install_firewall();
    state.watch_firewall();
  }
  fault::point("network.ruled");
  rollback.commit();
  return wish;
}

Network Networks::remove(const std::string& name_or_id) {
  State& state = *state_;
  std::unique_lock preparing(state.preparing);
  auto live = state.get(name_or_id);
  const Network network = live->config;
  if (network.config_only)
    for (const auto& other : list())
      if (other.config_from == network.name)
        fail(Kind::kForbidden, "configuration network ", quoted(network.name), " is in use by the network ",
             other.name);
  if (network.predefined) fail(Kind::kForbidden, network.name, " is a pre-defined network and cannot be removed");
  {
    std::lock_guard lock(state.mutex);
    std::vector<std::string> active;
    for (const auto& [id, member] : state.members)
      if (auto endpoint = member.endpoints.find(network.name); endpoint != member.endpoints.end())
        active.push_back(cat("name:", quoted(member.name), " id:", quoted(short_id(endpoint->second.endpoint_id))));
    if (!active.empty())
      fail(Kind::kForbidden, "error while removing network: network ", network.name, " has active endpoints (",
           join(active, ", "), ")");
    if (live->arriving > 0)
      fail(Kind::kForbidden, "error while removing network: network ", network.name,
           " is in use: a container is being attached to it");
    std::erase(state.networks, live);
  }
  Rollback rollback;
  rollback.add("network", [&] {
    {
      std::lock_guard lock(state.mutex);
      state.networks.push_back(live);
      live->bridge.reset();  // looked for again when somebody needs it
    }
    if (!network.bridge.empty()) state.install_firewall();
  });
  // The record goes last: what is half removed by a crash is whole again after the next start.
  if (!network.bridge.empty()) {
    state.install_firewall();
    fault::point("network.unruled");
    remove_bridge(network.bridge);
  } else if (is_child_driver(network.driver)) {
    remove_parent(network, state.marks.live);
  }
  fault::point("network.unmade");
  state.database.remove_network(network.id);
  rollback.commit();
  fault::point("network.forgotten");
  return network;
}

namespace {

// ::ffff:192.0.2.1: IPv4 in the clothes of IPv6.
bool is_mapped(const IpAddress& address) {
  return address.is_v6() && address.bytes().starts_with(std::string(10, '\0') + "\xff\xff");
}

}  // namespace

void Networks::check_endpoint(const Network& network, const EndpointRequest& request) const {
  std::vector<std::string> problems;
  bool wants_address = !request.address.empty() || !request.address6.empty();
  if (network.predefined) {
    if (wants_address) problems.emplace_back("user-specified IP address is supported on user-defined networks only");
    if (!request.names.empty())
      problems.emplace_back("network-scoped aliases are only supported for user-defined networks");
  }
  for (auto [text, is_v6] : {std::pair(&request.address, false), std::pair(&request.address6, true)}) {
    if (text->empty()) continue;
    auto address = IpAddress::parse(*text);
    bool fits = address && address->is_v6() == is_v6 && !is_mapped(*address);
    if (!fits) {
      problems.push_back(
          cat("invalid ", is_v6 ? "IPv6" : "IPv4", " address: ", *text, address ? "" : ": unable to parse IP"));
    } else if (!network.predefined) {
      bool inside = std::ranges::any_of(network.ipam, [&](const IpamConfig& one) {
        auto subnet = parse_subnet(one.subnet);
        return subnet && subnet->contains(*address);
      });
      if (!inside) problems.push_back(cat("no configured subnet contains IP address ", *text));
    }
  }
  for (const auto& text : request.link_local)
    if (auto address = IpAddress::parse(text); !address || !address->is_link_local())
      problems.push_back(cat("invalid link-local IP address: ", text));
  if (!request.mac_address.empty() && !linux::is_mac_address(request.mac_address))
    problems.push_back(cat("invalid MAC address: ", request.mac_address));
  for (auto& problem : endpoint_option_problems(request.driver_options)) problems.push_back(std::move(problem));
  if (network.config_only)
    problems.push_back(cat(network.name, " is a configuration network: containers cannot be on it"));
  if (!problems.empty()) fail_invalid("invalid endpoint settings:\n", join(problems, "\n"));
}

}  // namespace hull::network
