// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "linux/ip_address.h"

namespace hull::linux {

// A socket that holds a port of the host, so that nobody else takes it (and `ss -l` shows whose it is). Nothing
// reads it. `protocol` is tcp, udp or sctp; `address` may be any. Throws errno as Error: EADDRINUSE, EADDRNOTAVAIL,
// EACCES. An invalid descriptor when the kernel does not have the protocol: nobody can take the port then.
UniqueFd reserve_port(std::string_view protocol, const IpAddress& address, std::uint16_t port);

// Whether the kernel has IPv6 (it may be switched off when it boots).
bool has_ipv6();

// net.ipv4.ip_local_port_range, 32768 to 60999 when it cannot be read.
std::pair<std::uint16_t, std::uint16_t> ephemeral_ports();
// net.ipv4.ip_local_reserved_ports: those that nobody is to be given who has not asked for them by number.
std::set<std::uint16_t> reserved_ports();

}  // namespace hull::linux
