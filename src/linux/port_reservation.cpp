// SPDX-License-Identifier: Apache-2.0
#include "linux/port_reservation.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "linux/socket_address.h"

namespace hull::linux {

namespace {

struct Protocol {
  std::string_view name;
  int type, number;
  bool listens;
};
constexpr Protocol kProtocols[] = {
    {"tcp", SOCK_STREAM, IPPROTO_TCP, true},
    {"udp", SOCK_DGRAM, IPPROTO_UDP, false},
    {"sctp", SOCK_STREAM, IPPROTO_SCTP, true},
};

const Protocol& protocol_named(std::string_view name) {
  for (const auto& protocol : kProtocols)
    if (protocol.name == name) return protocol;
  fail_invalid("invalid protocol ", quoted(name), ": use tcp, udp or sctp");
}

}  // namespace

UniqueFd reserve_port(std::string_view protocol, const IpAddress& address, std::uint16_t port) {
  const Protocol& kind = protocol_named(protocol);
  UniqueFd socket(::socket(address.family(), kind.type | SOCK_CLOEXEC, kind.number));
  if (!socket && (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT)) return {};
  check(socket.get(), "open a socket");
  int on = 1, smallest = 1;
  // Connections of an earlier owner that wait out their end do not keep the port; a listener still does.
  if (kind.listens) check(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
  // What comes to it is lost anyway. Connections that a listener accepts would have the same little room.
  if (!kind.listens) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest);
  if (address.is_v6()) check(::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), "setsockopt");
  bind_socket(socket.get(), address, port);
  // Only a listening socket keeps out others that set SO_REUSEADDR, as nearly all servers do.
  if (kind.listens) check(::listen(socket.get(), 1), "listen");
  return socket;
}

bool has_ipv6() { return ::access("/proc/net/if_inet6", F_OK) == 0; }

std::pair<std::uint16_t, std::uint16_t> ephemeral_ports() {
  constexpr std::pair<std::uint16_t, std::uint16_t> kUsual{32768, 60999};
  auto text = read_if_exists("/proc/sys/net/ipv4/ip_local_port_range");
  if (!text) return kUsual;
  auto [first, last] = split_once(trim(*text), '\t');
  auto low = parse_number<std::uint16_t>(trim(first));
  auto high = last ? parse_number<std::uint16_t>(trim(*last)) : std::nullopt;
  if (!low || !high || *low == 0 || *low > *high) return kUsual;
  return {*low, *high};
}

std::set<std::uint16_t> reserved_ports() {
  std::set<std::uint16_t> ports;
  auto text = read_if_exists("/proc/sys/net/ipv4/ip_local_reserved_ports").value_or("");
  for (auto part : split(trim(text), ',')) {
    auto [first, last] = split_once(part, '-');
    auto low = parse_number<std::uint16_t>(first);
    auto high = last ? parse_number<std::uint16_t>(*last) : low;
    if (!low || !high) continue;
    for (std::uint32_t port = *low; port <= *high; ++port) ports.insert(static_cast<std::uint16_t>(port));
  }
  return ports;
}

}  // namespace hull::linux
