// SPDX-License-Identifier: Apache-2.0
#include "linux/network_namespace.h"
#include "network/state.h"

// Links on a default bridge whose containers do not reach each other (--icc=false). Their ports of the bridge are
// isolated, so a link goes by way of the host: it answers for every address at the bridge (proxy ARP as for private
// VLANs), and its firewall lets through what is linked. Answers are let through as part of a connection.
namespace hull::network {

namespace {

std::vector<LinkedPort> linked_ports(const std::string& from, const std::string& to,
                                     const std::vector<std::string>& ports) {
  std::vector<LinkedPort> linked;
  for (const std::string& port : ports) {
    auto [number, protocol] = split_once(port, '/');
    if (auto value = parse_number<std::uint16_t>(number))
      linked.push_back({from, to, std::string(protocol.value_or("tcp")), *value});
  }
  return linked;
}

void answer_for_containers(const std::string& bridge) {
  linux::write_sysctl(cat("net/ipv4/conf/", bridge, "/proxy_arp_pvlan"), "1");
  linux::write_sysctl(cat("net/ipv4/neigh/", bridge, "/proxy_delay"), "0");
  // Nobody else could be sent to.
  linux::write_sysctl(cat("net/ipv4/conf/", bridge, "/send_redirects"), "0");
}

}  // namespace

void Networks::open_links(const std::string& container_id,
                          const std::map<std::string, std::vector<std::string>>& ports) {
  if (state_->options.icc || !state_->has_bridge) return;
  std::map<std::string, std::vector<LinkedPort>> linked;
  {
    std::lock_guard lock(state_->mutex);
    auto address_of = [&](const std::string& id) -> std::string {
      auto member = state_->members.find(id);
      if (member == state_->members.end()) return {};
      auto endpoint = member->second.endpoints.find(state_->default_bridge->config.name);
      return endpoint == member->second.endpoints.end() ? "" : endpoint->second.address;
    };
    const std::string from = address_of(container_id);
    for (const auto& [target, open] : ports)
      if (std::string to = address_of(target); !from.empty() && !to.empty())
        linked[target] = linked_ports(from, to, open);
  }
  if (!linked.empty()) answer_for_containers(state_->options.bridge);
  state_->firewall.link(container_id, linked);
}

}  // namespace hull::network
