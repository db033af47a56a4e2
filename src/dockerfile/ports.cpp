// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/ports.h"

#include <arpa/inet.h>

#include <optional>
#include <utility>

#include "base/error.h"

namespace hull::dockerfile {

namespace {

using Range = std::pair<int, int>;

std::optional<int> parse_port(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto port = parse_number<int>(text);
  return port && *port >= 0 && *port <= 65535 ? port : std::nullopt;
}

std::optional<Range> parse_range(std::string_view text) {
  const auto [first, last] = split_once(text, '-');
  const auto start = parse_port(first);
  if (!start) return std::nullopt;
  if (!last) return Range{*start, *start};
  const auto end = parse_port(*last);
  if (!end || *end < *start) return std::nullopt;
  return Range{*start, *end};
}

void check_address(std::string_view address) {
  std::string text(address);
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  in6_addr parsed{};
  if (inet_pton(AF_INET, text.c_str(), &parsed) != 1 && inet_pton(AF_INET6, text.c_str(), &parsed) != 1)
    fail_invalid("invalid IP address: ", address);
}

}  // namespace

ExposedPort parse_exposed_port(std::string_view word) {
  // [[address:]host:]container: the last two colons divide, an IPv6 address has more.
  std::string_view rest = word, host, address;
  std::string_view container = word;
  if (const std::size_t colon = rest.rfind(':'); colon != std::string_view::npos) {
    container = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    const std::size_t second = rest.rfind(':');
    host = second == std::string_view::npos ? rest : rest.substr(second + 1);
    if (second != std::string_view::npos) address = rest.substr(0, second);
  }
  const auto [ports, protocol] = split_once(container, '/');
  const std::string name = protocol && !protocol->empty() ? lower(*protocol) : "tcp";
  if (ports.empty()) fail_invalid("invalid port: ", quoted(word), ": no port specified");
  if (name != "tcp" && name != "udp" && name != "sctp")
    fail_invalid("invalid port: ", quoted(word), ": invalid proto: ", *protocol);
  if (!address.empty()) check_address(address);
  const auto range = parse_range(ports);
  if (!range) fail_invalid("invalid containerPort: ", ports);
  if (!host.empty()) {
    const auto host_range = parse_range(host);
    if (!host_range) fail_invalid("invalid hostPort: ", host);
    if (range->first != range->second && range->second - range->first != host_range->second - host_range->first)
      fail_invalid("invalid ranges specified for container and host Ports: ", ports, " and ", host);
  }
  ExposedPort out;
  out.protocol_has_capitals = protocol && *protocol != lower(*protocol);
  out.maps_to_host = !address.empty() || !host.empty();
  for (int port = range->first; port <= range->second; ++port) out.ports.push_back(cat(port, "/", name));
  return out;
}

}  // namespace hull::dockerfile
