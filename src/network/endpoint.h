// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/fields.h"

namespace hull::network {

struct PortBinding {
  std::string protocol = "tcp";  // tcp, udp, sctp
  std::uint16_t container_port = 0;
  std::string host_ip;              // "" : 0.0.0.0 and ::
  std::uint16_t host_port = 0;      // 0: chosen when attached
  std::uint16_t host_port_end = 0;  // a range to choose from; 0: none
  bool relayed = false;             // as bound: connections to it are handed on by the container's supervisor
};
template <class Visitor>
void fields(Visitor& visit, PortBinding& value) {
  visit("protocol", value.protocol);
  visit("containerPort", value.container_port);
  visit("hostIp", value.host_ip);
  visit("hostPort", value.host_port);
  visit("hostPortEnd", value.host_port_end);
  visit("relayed", value.relayed, WhenEmpty::kOmit);
}

// A container's place in a network. Texts that do not apply are empty.
struct Endpoint {
  std::string network;  // "bridge"
  std::string network_id;
  std::string endpoint_id;  // 64 hex
  std::string interface_name = "eth0";
  std::string host_interface;
  std::string address;  // "172.17.0.2"
  int prefix_length = 0;
  std::string gateway;
  std::string address6;
  int prefix_length6 = 0;
  std::string gateway6;
  std::string mac_address;
  std::vector<std::string> link_local;  // addresses beside the network's
  std::vector<std::string> names;       // what others call it (DNS)
  std::vector<std::string> links;       // "container:alias": what it calls others
  int gateway_priority = 0;
  bool direct = false;             // who may comes to its published ports under its own address, too
  bool pending = false;            // a running container is being connected: after a crash it has to be done again
  std::vector<PortBinding> ports;  // as bound: every host port is a number, every host address is one. "" becomes
                                   // 0.0.0.0 and ::
};
template <class Visitor>
void fields(Visitor& visit, Endpoint& value) {
  visit("network", value.network);
  visit("networkId", value.network_id);
  visit("endpointId", value.endpoint_id);
  visit("interface", value.interface_name);
  visit("hostInterface", value.host_interface);
  visit("address", value.address);
  visit("prefixLength", value.prefix_length);
  visit("gateway", value.gateway);
  visit("address6", value.address6, WhenEmpty::kOmit);
  visit("prefixLength6", value.prefix_length6, WhenEmpty::kOmit);
  visit("gateway6", value.gateway6, WhenEmpty::kOmit);
  visit("mac", value.mac_address);
  visit("linkLocal", value.link_local, WhenEmpty::kOmit);
  visit("names", value.names, WhenEmpty::kOmit);
  visit("links", value.links, WhenEmpty::kOmit);
  visit("gatewayPriority", value.gateway_priority, WhenEmpty::kOmit);
  visit("direct", value.direct, WhenEmpty::kOmit);
  visit("pending", value.pending, WhenEmpty::kOmit);
  visit("ports", value.ports);
}
using Endpoints = std::map<std::string, Endpoint>;  // by the name of the network

}  // namespace hull::network
