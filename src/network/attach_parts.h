// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "network/state.h"

// What attaching at the start of a container and connecting a running one have in common.
namespace hull::network {

Error programming_failed(const Error& cause, const std::string& container, const Endpoint& endpoint);

// The hardware addresses and those of IPv4 of interfaces inside (their indices by network). With IPv6, `batch` is
// executed, empty again afterwards, and IPv6 is switched on.
void configure_ipv4(linux::NetlinkBatch& batch, const Endpoints& endpoints,
                    const std::map<std::string, int>& interfaces, Plug& plug, std::string_view operation);
void add_ipv6_addresses(linux::NetlinkBatch& batch, const Endpoints& endpoints,
                        const std::map<std::string, int>& interfaces);
// The way out of one family, if there is one. The kernel answers EEXIST when there is a route and it is not to be
// replaced.
void add_default_route(linux::NetlinkBatch& batch, const Endpoints& endpoints,
                       const std::map<std::string, int>& interfaces, bool is_v6, bool replaces);
std::vector<std::string> interfaces_with_ipv6(const Endpoints& endpoints);

// The settings of the kernel for an interface that `request` wants (kEndpointSysctls): "net.ipv4.conf.IFNAME.x=1,…".
void apply_sysctls(int network_namespace, const Endpoint& endpoint, const EndpointRequest& request);
std::vector<PortBinding> ports_of(const Endpoints& endpoints);
// What identifies a bound port: protocol, host address, host port.
using HostPort = std::tuple<std::string, std::string, std::uint16_t>;
HostPort host_port_of(const PortBinding& binding);
// Indices of the interfaces that lead to the gateways. Error{kInternal} when one has vanished.
std::map<std::string, int> gateway_interfaces(const Endpoints& endpoints, linux::NetlinkSocket& inside);
// Ports as bound to the endpoints that packets come in through: the gateways of their families.
void assign_ports(Endpoints& endpoints, std::vector<PortBinding> bound);
bool is_ip6(const std::string& address);

// How an endpoint's interface is made.
Wire wire_of(const Network& network, const Endpoint& endpoint);
// For set_port_flags(): an interface that is there already may use its own published ports.
Wire hairpin_only(const std::string& host_interface);

}  // namespace hull::network
