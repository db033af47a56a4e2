// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "linux/interfaces.h"
#include "network/endpoint.h"
#include "network/network.h"

// The drivers macvlan and ipvlan: containers are on the network that an interface of the host (the parent) is on, with
// addresses of that network, and without the host in between.
namespace hull::network {

bool is_child_driver(std::string_view driver);  // macvlan, ipvlan

// The kernel takes away in the background what belonged to a network namespace that has ended. Executes the batch until
// no message fails with one of `passing` (errno), for two seconds at most, and gives the answers of the last time. What
// was done by an earlier one (EEXIST) is no failure of a later.
std::vector<linux::NetlinkSocket::Outcome> execute_patiently(linux::NetlinkSocket& socket, linux::NetlinkBatch& batch,
                                                             std::initializer_list<int> passing);

// What the options of such a network say. Error{kInvalidArgument} for what cannot be.
struct ChildOptions {
  bool is_ipvlan = false;
  std::string parent;      // "eth0"; "eth0.50": interface for the 802.1q network 50 on it; "" : of the network's own
  std::uint32_t mode = 0;  // MACVLAN_MODE_*, IPVLAN_MODE_*
  std::uint16_t flags = 0;
  bool routes = false;  // ipvlan l3 and l3s: by the host's routes, without a gateway or neighbours

  std::string device(const Network& network) const;  // the parent's name, or that of its stand-in
};
ChildOptions child_options(const Network& network);

// The parent, up. One that is not there is made when the engine may: a sub-interface of another one, or a dummy that
// leads nowhere (an internal network). Gives its index. Error{kInvalidArgument} when there is no such interface.
int ensure_parent(const Network& network, std::uint32_t group);
// Takes away what ensure_parent() has made (it is in `group`). Idempotent.
void remove_parent(const Network& network, std::uint32_t group);

// The container's interface, born in its namespace. Gives its index there.
int add_child_link(const Network& network, const Endpoint& endpoint, int network_namespace,
                   linux::NetlinkSocket& inside, std::uint32_t group);

}  // namespace hull::network
