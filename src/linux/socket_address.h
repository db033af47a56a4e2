// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <cstdint>

#include "linux/ip_address.h"

namespace hull::linux {

// An address and a port in the form that sockets take: sockaddr_in or sockaddr_in6.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  SocketAddress() = default;  // room for what the kernel writes
  SocketAddress(const IpAddress& address, std::uint16_t port);
  IpAddress address() const;
  std::uint16_t port() const;
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// bind(2). Throws errno.
void bind_socket(int socket, const IpAddress& address, std::uint16_t port);
// getsockname(2).
std::uint16_t local_port(int socket);

}  // namespace hull::linux
