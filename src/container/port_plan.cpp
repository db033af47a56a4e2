// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/error.h"
#include "container/normalize.h"
#include "container/port_syntax.h"
#include "linux/ip_address.h"

namespace hull::container {

namespace {

constexpr std::array<std::string_view, 3> kProtocols = {"tcp", "udp", "sctp"};

network::PortBinding bind(const ContainerPort& port, const HostPort& where) {
  network::PortBinding binding;
  binding.protocol = port.protocol;
  binding.container_port = port.number;
  binding.host_ip = where.host_ip;
  PortRange range = parse_port_range(where.host_port, where.host_port);
  binding.host_port = range.first;
  if (range.last != range.first) binding.host_port_end = range.last;
  if (!where.host_ip.empty() && !linux::is_ip_address(where.host_ip))
    fail_invalid("invalid host IP address for port ", port.key(), ": ", quoted(where.host_ip));
  return binding;
}

}  // namespace

std::string ContainerPort::key() const { return cat(number, "/", protocol); }

PortRange parse_port_range(std::string_view text, std::string_view whole) {
  PortRange range;
  if (text.empty()) return range;
  auto [first, last] = split_once(text, '-');
  auto low = parse_number<std::uint16_t>(first);
  auto high = last ? parse_number<std::uint16_t>(*last) : low;
  if (!low || !high) fail_invalid("invalid port specification: ", quoted(whole));
  if (*high < *low) fail_invalid("invalid port range: ", quoted(whole));
  return {*low, *high};
}

ContainerPort parse_container_port(std::string_view text) {
  auto [number, protocol] = split_once(text, '/');
  ContainerPort port;
  auto parsed = parse_number<std::uint32_t>(number);
  if (!parsed) fail_invalid("invalid JSON: invalid port '", number, "': invalid syntax");
  if (*parsed > 65535) fail_invalid("invalid JSON: invalid port '", number, "': value out of range");
  port.number = static_cast<std::uint16_t>(*parsed);
  port.protocol = protocol ? lower(*protocol) : "tcp";
  if (std::ranges::find(kProtocols, port.protocol) == kProtocols.end())
    fail_invalid("invalid proto: ", port.protocol, " (of port ", quoted(text), ")");
  return port;
}

std::vector<network::PortBinding> plan_ports(const Spec& spec) {
  const HostConfig& host = spec.host;
  std::vector<network::PortBinding> plan;
  if (host.network_mode == "host" || host.network_mode == "none" || host.network_mode.starts_with("container:") ||
      spec.config.network_disabled)
    return plan;
  for (const auto& [key, where] : host.port_bindings) {
    if (!where) continue;
    ContainerPort port = parse_container_port(key);
    for (const HostPort& one : *where) plan.push_back(bind(port, one));
  }
  for (const auto& [key, nothing] : spec.config.exposed_ports) {
    if (!host.publish_all_ports) break;
    auto bound = host.port_bindings.find(key);
    if (bound != host.port_bindings.end() && bound->second && !bound->second->empty()) continue;
    plan.push_back(bind(parse_container_port(key), {}));
  }
  // A port of our choice must not take one that is asked for by its number.
  std::ranges::stable_partition(plan, [](const network::PortBinding& binding) { return binding.host_port != 0; });
  return plan;
}

}  // namespace hull::container
