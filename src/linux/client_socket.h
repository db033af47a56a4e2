// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

// Connections to others, without waiting. All sockets are close-on-exec and non-blocking.
namespace hull::linux {

enum class SocketKind : std::uint8_t { kUnixStream, kUnixDatagram, kUdp, kTcp };

// Begins to connect. `address`: a path, or "1.2.3.4:514", "[::1]:514" (names are resolved by resolve_endpoint()).
// TCP: the socket becomes writable when it is connected, or has failed: connect_result(). Throws errno.
UniqueFd begin_connecting(SocketKind kind, const std::string& address);
// 0, or the errno that a connection attempt ended with.
int connect_result(int socket);
// Waits until something may be written or an error has come. False when the time is over.
bool writable_within(int socket, int timeout_ms);

// "name:port" to "1.2.3.4:port", "[::1]:port". IPv4 is preferred. Asks the machine's resolver and blocks for as long as
// that takes; not for static programs. Error{kInternal} "lookup name: …".
std::string resolve_endpoint(const std::string& host_and_port);

}  // namespace hull::linux
