// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "network/firewall_rules.h"
#include "network/network.h"

// Options of networks and endpoints, by the names that Docker has given them.
namespace hull::network {

// An option of a network, "" when it is not given.
std::string option_of(const Network& network, std::string_view name);
// An option of a network, or the fallback. Error{kInvalidArgument} for what is no boolean.
bool option_is_set(const Network& network, std::string_view name, bool fallback);
std::uint32_t mtu_of(const Network& network);                     // 0: not given
GatewayMode gateway_mode_of(const Network& network, bool is_v6);  // Error{kInvalidArgument} for another value
// Whether the bridge of a network of the user has an address of that family, which is then the containers' gateway.
bool has_gateway(const Network& network, bool is_v6);
// Which families a network has that is not asked for them in its own fields.
inline constexpr std::string_view kEnableIpv4 = "com.docker.network.enable_ipv4";
inline constexpr std::string_view kEnableIpv6 = "com.docker.network.enable_ipv6";
inline constexpr std::string_view kGatewayMode4 = "com.docker.network.bridge.gateway_mode_ipv4";
inline constexpr std::string_view kGatewayMode6 = "com.docker.network.bridge.gateway_mode_ipv6";
inline constexpr std::string_view kHostAddress4 = "com.docker.network.host_ipv4";
inline constexpr std::string_view kHostAddress6 = "com.docker.network.host_ipv6";
inline constexpr std::string_view kTrustedInterfaces = "com.docker.network.bridge.trusted_host_interfaces";
inline constexpr std::string_view kBridgeName = "com.docker.network.bridge.name";
inline constexpr std::string_view kIcc = "com.docker.network.bridge.enable_icc";
inline constexpr std::string_view kMasquerade = "com.docker.network.bridge.enable_ip_masquerade";
inline constexpr std::string_view kHostBinding = "com.docker.network.bridge.host_binding_ipv4";
inline constexpr std::string_view kInhibitIpv4 = "com.docker.network.bridge.inhibit_ipv4";
inline constexpr std::string_view kMtu = "com.docker.network.driver.mtu";
inline constexpr std::string_view kInterfacePrefix = "com.docker.network.container_iface_prefix";
inline constexpr std::string_view kEndpointSysctls = "com.docker.network.endpoint.sysctls";
inline constexpr std::string_view kInterfaceName = "com.docker.network.endpoint.ifname";

}  // namespace hull::network
