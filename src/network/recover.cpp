// SPDX-License-Identifier: Apache-2.0
#include <linux/rtnetlink.h>

#include <algorithm>

#include "base/log.h"
#include "network/state.h"
#include "oci/json.h"

namespace hull::network {

namespace {

std::optional<Endpoint> read_endpoint(const store::EndpointRow& row) {
  try {
    return from_json<Endpoint>(parse_json(row.state));
  } catch (const Error& e) {
    log::warn("the endpoint of container ", row.container_id, " is unreadable: ", e.message());
    return std::nullopt;
  }
}

bool bridge_or_table_is_there(const Options& options) {
  if (options.bridge == "none") return false;
  linux::NetlinkSocket route(NETLINK_ROUTE), filter(NETLINK_NETFILTER);
  return linux::find_link(route, options.bridge) || linux::nft_table_exists(filter, options.firewall_table);
}

}  // namespace

void Networks::State::keep_endpoints(const std::map<std::string, Endpoint>& kept) {
  for (const auto& [id, endpoint] : kept) {
    ports.restore(endpoint.ports);
    firewall.remember(endpoint.address, endpoint.ports);
  }
  std::lock_guard lock(mutex);
  for (const auto& [id, endpoint] : kept) {
    endpoints[id] = endpoint;
    auto address = parse_address(endpoint.address);
    if (address && addresses) addresses->take(*address);
  }
}

// Interfaces of containers that are gone are deleted, those of running ones are put back on the bridge.
void Networks::State::tidy_interfaces(const std::map<std::string, Endpoint>& kept) {
  std::set<std::string> in_use, left_over;
  for (const auto& [id, endpoint] : kept) in_use.insert(endpoint.host_interface);
  int master = 0;
  {
    std::lock_guard lock(mutex);
    in_use.merge(made_before_recovery);
    recovered = true;
    if (bridge) master = bridge->index;
  }
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  linux::NetlinkBatch batch;
  for (const auto& link : linux::list_links(socket)) {
    bool ours = link.name.starts_with(marks.prefix) && (link.group | 1u) == marks.condemned;
    if (!ours) continue;
    if (!in_use.contains(link.name))
      left_over.insert(link.name);
    else if (master && link.master != master)
      linux::set_master(batch, link.index, master);
  }
  if (!batch.empty()) socket.execute(batch, cat("put interfaces back on ", options.bridge));
  delete_interfaces(left_over);
}

std::map<std::string, Endpoint> Networks::recover(const std::vector<std::string>& live) {
  std::map<std::string, Endpoint> kept;
  bool bridged = false;
  for (const auto& row : state_->database.endpoints()) {
    auto endpoint = read_endpoint(row);
    if (endpoint && std::ranges::find(live, row.container_id) != live.end()) {
      bridged |= !endpoint->host_interface.empty();
      kept.emplace(row.container_id, std::move(*endpoint));
    } else {
      state_->database.remove_endpoints(row.container_id);
    }
  }
  state_->keep_endpoints(kept);
  // Containers run on whatever state the network is in: an engine that cannot repair it must start all the same.
  try {
    if (state_->has_bridge && (bridged || bridge_or_table_is_there(state_->options))) state_->prepare();
    state_->tidy_interfaces(kept);
  } catch (const Error& e) {
    log::error("cannot restore the network: ", e.message());
  }
  return kept;
}

}  // namespace hull::network
