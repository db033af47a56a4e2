// SPDX-License-Identifier: Apache-2.0
#include "network/ipam.h"

#include <algorithm>

#include "base/error.h"
#include "network/bridge.h"
#include "network/network_options.h"
#include "network/parent_link.h"

namespace hull::network {

namespace {

using Problems = std::vector<std::string>;

std::string_view family_of(const Subnet& subnet) { return subnet.is_v6() ? "IPv6" : "IPv4"; }

void check_range(Problems& problems, const std::string& text, const Subnet& subnet) {
  if (text.empty()) return;
  auto range = parse_subnet(text);
  if (!range) {
    problems.push_back(cat("invalid ip-range ", text, ": invalid CIDR block notation"));
    return;
  }
  if (range->is_v6() != subnet.is_v6()) {
    problems.push_back(cat("invalid ip-range ", text, ": parent subnet is an ", family_of(subnet), " block"));
    return;
  }
  if (range->prefix_length < subnet.prefix_length)
    problems.push_back(cat("invalid ip-range ", text, ": CIDR block is bigger than its parent subnet ", subnet.text()));
  if (range->address != range->first())
    problems.push_back(cat("invalid ip-range ", text, ": it should be ", range->network().text()));
  if (!subnet.overlaps(*range))
    problems.push_back(cat("invalid ip-range ", text, ": parent subnet ", subnet.text(), " doesn't contain ip-range"));
}

void check_address(Problems& problems, const std::string& what, const std::string& text, const Subnet& subnet) {
  if (text.empty()) return;
  auto address = IpAddress::parse(text);
  if (!address)
    problems.push_back(cat(what, ": invalid address"));
  else if (address->is_v6() != subnet.is_v6())
    problems.push_back(cat(what, ": parent subnet is an ", family_of(subnet), " block"));
  else if (!subnet.contains(*address))
    problems.push_back(cat(what, ": parent subnet ", subnet.text(), " doesn't contain this address"));
}

bool has_family(const Network& network, bool is_v6) {
  return std::ranges::any_of(network.ipam, [&](const IpamConfig& one) {
    auto subnet = parse_subnet(one.subnet);
    return subnet && subnet->is_v6() == is_v6;
  });
}

// The first address that containers could have.
void choose_gateway(IpamConfig& ipam) {
  auto subnet = parse_subnet(ipam.subnet);
  if (!ipam.gateway.empty() || !subnet) return;
  bool has_room = subnet->prefix_length + 1 < subnet->address.width();
  Subnet range = parse_subnet(ipam.ip_range).value_or(*subnet);
  IpAddress gateway = range.first();
  if (has_room && gateway == subnet->first()) gateway = gateway.plus(1);
  auto is_auxiliary = [&] {
    return std::ranges::any_of(ipam.auxiliary,
                               [&](const auto& one) { return IpAddress::parse(one.second) == gateway; });
  };
  while (is_auxiliary() && gateway < range.last()) gateway = gateway.plus(1);
  ipam.gateway = gateway.text();
}

}  // namespace

std::vector<std::string> ipam_problems(const Network& wish) {
  Problems problems;
  for (const IpamConfig& one : wish.ipam) {
    if (one.subnet.empty() && one.ip_range.empty() && one.gateway.empty() && one.auxiliary.empty()) continue;
    auto subnet = parse_subnet(one.subnet);
    if (!subnet) {
      problems.push_back(cat("invalid subnet ", one.subnet, ": invalid CIDR block notation"));
      continue;
    }
    if (subnet->is_v6() && !wish.ipv6) continue;
    if (subnet->address != subnet->first())
      problems.push_back(cat("invalid subnet ", one.subnet, ": it should be ", subnet->network().text()));
    check_range(problems, one.ip_range, *subnet);
    check_address(problems, cat("invalid gateway ", one.gateway), one.gateway, *subnet);
    for (const auto& [name, address] : one.auxiliary)
      check_address(problems, cat("invalid auxiliary address ", name), address, *subnet);
  }
  return problems;
}

namespace {

// 0.0.0.0/24, ::/64: a subnet of that size, whichever is free.
bool is_size_alone(const Subnet& subnet) { return subnet.address.is_any(); }

}  // namespace

void choose_addresses(Network& wish, const std::vector<PoolSource>& sources, const std::vector<Subnet>& own) {
  std::erase_if(wish.ipam, [&](const IpamConfig& one) {
    auto subnet = parse_subnet(one.subnet);
    return !subnet || !(subnet->is_v6() ? wish.ipv6 : wish.ipv4);
  });
  std::vector<Subnet> taken = own;
  for (const IpamConfig& one : wish.ipam) {
    auto subnet = parse_subnet(one.subnet);
    if (is_size_alone(*subnet)) continue;
    if (std::ranges::any_of(taken, [&](const Subnet& other) { return other.overlaps(*subnet); }))
      fail(Kind::kForbidden, "invalid pool request: Pool overlaps with other one on this address space");
    taken.push_back(*subnet);
  }
  auto on_host = host_subnets();
  taken.insert(taken.end(), on_host.begin(), on_host.end());
  for (IpamConfig& one : wish.ipam) {
    auto subnet = parse_subnet(one.subnet);
    if (!is_size_alone(*subnet)) continue;
    taken.push_back(first_free_subnet(sources, subnet->is_v6(), taken, subnet->prefix_length));
    one.subnet = taken.back().text();
  }
  for (bool is_v6 : {false, true}) {
    if (!(is_v6 ? wish.ipv6 : wish.ipv4) || has_family(wish, is_v6)) continue;
    wish.ipam.push_back({first_free_subnet(sources, is_v6, taken).text(), {}, {}, {}});
  }
  // As clients know them: the subnets of IPv4 before those of IPv6.
  std::ranges::stable_partition(wish.ipam, [](const IpamConfig& one) { return !parse_subnet(one.subnet)->is_v6(); });
  // Where the host is not in between, the gateway is somebody else's: only the user knows it.
  if (is_child_driver(wish.driver)) return;
  for (IpamConfig& one : wish.ipam)
    if (auto subnet = parse_subnet(one.subnet); subnet && has_gateway(wish, subnet->is_v6())) choose_gateway(one);
}

}  // namespace hull::network
