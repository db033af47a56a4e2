// SPDX-License-Identifier: Apache-2.0
#include "network/network_options.h"

#include "base/error.h"

namespace hull::network {

std::string option_of(const Network& network, std::string_view name) {
  auto found = network.options.find(std::string(name));
  return found == network.options.end() ? "" : found->second;
}

bool option_is_set(const Network& network, std::string_view name, bool fallback) {
  auto found = network.options.find(std::string(name));
  if (found == network.options.end() || found->second.empty()) return fallback;
  std::string value = lower(found->second);
  if (value == "true" || value == "1" || value == "t") return true;
  if (value == "false" || value == "0" || value == "f") return false;
  fail_invalid("invalid value ", quoted(found->second), " of the network option ", quoted(name), ": use true or false");
}

GatewayMode gateway_mode_of(const Network& network, bool is_v6) {
  struct Name {
    std::string_view name;
    GatewayMode mode;
  };
  constexpr Name kNames[] = {{"", GatewayMode::kNat},
                             {"nat", GatewayMode::kNat},
                             {"nat-unprotected", GatewayMode::kNatUnprotected},
                             {"routed", GatewayMode::kRouted},
                             {"isolated", GatewayMode::kIsolated}};
  std::string_view option = is_v6 ? kGatewayMode6 : kGatewayMode4;
  std::string value = option_of(network, option);
  for (const Name& one : kNames) {
    if (one.name != value) continue;
    if (one.mode == GatewayMode::kIsolated && !network.internal)
      fail_invalid("gateway mode 'isolated' can only be used for an internal network (option ", option, ")");
    return one.mode;
  }
  fail_invalid("invalid value ", quoted(value), " of the network option ", quoted(option),
               ": use nat, nat-unprotected, routed, or, with --internal, isolated");
}

bool has_gateway(const Network& network, bool is_v6) {
  if (gateway_mode_of(network, is_v6) == GatewayMode::kIsolated) return false;
  return is_v6 || !network.internal || !option_is_set(network, kInhibitIpv4, false);
}

std::uint32_t mtu_of(const Network& network) {
  auto found = network.options.find(std::string(kMtu));
  if (found == network.options.end() || found->second.empty()) return 0;
  auto mtu = parse_number<std::uint32_t>(found->second);
  if (!mtu || (*mtu != 0 && *mtu < 68) || *mtu > 65535)
    fail_invalid("invalid value ", quoted(found->second), " of the network option ", quoted(kMtu),
                 ": use a number of 68 to 65535");
  return *mtu;
}

}  // namespace hull::network
