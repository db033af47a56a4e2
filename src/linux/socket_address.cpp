// SPDX-License-Identifier: Apache-2.0
#include "linux/socket_address.h"

#include <netinet/in.h>

#include <cstring>

#include "base/error.h"

namespace hull::linux {

SocketAddress::SocketAddress(const IpAddress& address, std::uint16_t port) {
  if (address.is_v6()) {
    auto* name = reinterpret_cast<sockaddr_in6*>(&storage);
    name->sin6_family = AF_INET6;
    name->sin6_port = htons(port);
    std::memcpy(&name->sin6_addr, address.bytes().data(), sizeof name->sin6_addr);
    size = sizeof *name;
  } else {
    auto* name = reinterpret_cast<sockaddr_in*>(&storage);
    name->sin_family = AF_INET;
    name->sin_port = htons(port);
    std::memcpy(&name->sin_addr, address.bytes().data(), sizeof name->sin_addr);
    size = sizeof *name;
  }
}

IpAddress SocketAddress::address() const {
  if (storage.ss_family == AF_INET6) {
    const auto& bytes = reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
    return IpAddress::of_bytes({reinterpret_cast<const char*>(&bytes), sizeof bytes});
  }
  const auto& bytes = reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr;
  return IpAddress::of_bytes({reinterpret_cast<const char*>(&bytes), sizeof bytes});
}

std::uint16_t SocketAddress::port() const {
  // Both forms have it at the same place.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

void bind_socket(int socket, const IpAddress& address, std::uint16_t port) {
  SocketAddress name(address, port);
  check(::bind(socket, name.raw(), name.size), "bind");
}

std::uint16_t local_port(int socket) {
  SocketAddress name;
  check(::getsockname(socket, name.raw(), &name.size), "getsockname");
  return name.port();
}

}  // namespace hull::linux
