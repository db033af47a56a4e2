// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "network/endpoint.h"
#include "network/network.h"

namespace hull::network {

struct EndpointRequest {
  std::string network = "bridge";  // by name or id
  std::string mac_address;         // "" : generated
  std::string address, address6;   // "" : the lowest that is free
  std::vector<std::string> link_local;
  std::vector<std::string> names, links;
  StringMap driver_options;
  int gateway_priority = 0;
  bool ipv6 = true;  // false: the container has switched it off, and gets no address of it
};

// A bound port of a family that the container has no address of. Who has the listener accepts connections to it and
// hands their bytes on to the target.
struct PortRelay {
  std::string host, target;  // "[::]:8080", "172.17.0.2:80"
  UniqueFd listener;         // invalid: an earlier engine has given it away
};

struct AttachRequest {
  std::string container_id;
  std::string container_name;              // for messages; "" : the short id
  std::vector<EndpointRequest> endpoints;  // in the order of their interfaces: eth0, eth1, …
  std::vector<PortBinding> ports;
  // A fresh namespace to plug into, for containers whose own user namespace has to own it; -1: one of the pool.
  int network_namespace = -1;
  std::vector<std::string> name_servers;  // asked for names that no container has; none: the host's
};

struct Attachment {
  UniqueFd network_namespace;  // ready: interfaces up, addresses and routes set, ports published
  Endpoints endpoints;
};

}  // namespace hull::network
