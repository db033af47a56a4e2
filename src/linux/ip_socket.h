// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "linux/socket_address.h"

// UDP and TCP sockets in the network namespace of the calling thread. All throw errno unless they say otherwise.
namespace hull::linux {

// Bound, not blocking. `port` 0: the kernel chooses (local_port() tells).
UniqueFd open_udp(const IpAddress& address, std::uint16_t port);
UniqueFd listen_tcp(const IpAddress& address, std::uint16_t port);
// Not blocking; the kernel chooses the source port. Only that peer's datagrams are received.
UniqueFd connect_udp(const IpAddress& address, std::uint16_t port);
// Blocking; every read and write ends after `limit` with EAGAIN.
UniqueFd connect_tcp(const IpAddress& address, std::uint16_t port, std::chrono::milliseconds limit);
// Empty when nobody waits. Blocking, with the same limit.
std::optional<UniqueFd> accept_tcp(int listener, std::chrono::milliseconds limit);

// The next datagram (a view into `buffer`) and who sent it. Empty when there is none, or instead of it an error that
// the peer caused (ECONNREFUSED): `code`, when given, tells which.
std::optional<std::string_view> receive_datagram(int socket, std::string& buffer, SocketAddress* from = nullptr,
                                                 int* code = nullptr);
// False when it cannot be sent now. A datagram may be lost.
bool send_datagram_to(int socket, std::string_view data, const SocketAddress* to = nullptr) noexcept;

// Exactly `size` bytes, or empty at the end of the stream, after an error or when time is over.
std::optional<std::string> receive_exactly(int socket, std::size_t size);
bool send_all(int socket, std::string_view data) noexcept;

}  // namespace hull::linux
