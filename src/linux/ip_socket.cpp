// SPDX-License-Identifier: Apache-2.0
#include "linux/ip_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/error.h"

namespace hull::linux {

namespace {

constexpr int kBacklog = 64;

UniqueFd open_socket(const IpAddress& address, int type) {
  return UniqueFd(check(::socket(address.family(), type | SOCK_CLOEXEC, 0), "open a socket"));
}

void limit_time(int socket, std::chrono::milliseconds limit) {
  timeval value{limit.count() / 1000, limit.count() % 1000 * 1000};
  for (int option : {SO_RCVTIMEO, SO_SNDTIMEO})
    check(::setsockopt(socket, SOL_SOCKET, option, &value, sizeof value), "setsockopt");
}

void connect_to(int socket, const IpAddress& address, std::uint16_t port) {
  SocketAddress name(address, port);
  check(::connect(socket, name.raw(), name.size), "connect to", address.text());
}

}  // namespace

UniqueFd open_udp(const IpAddress& address, std::uint16_t port) {
  UniqueFd socket = open_socket(address, SOCK_DGRAM | SOCK_NONBLOCK);
  bind_socket(socket.get(), address, port);
  return socket;
}

UniqueFd listen_tcp(const IpAddress& address, std::uint16_t port) {
  UniqueFd socket = open_socket(address, SOCK_STREAM | SOCK_NONBLOCK);
  int on = 1;
  check(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
  bind_socket(socket.get(), address, port);
  check(::listen(socket.get(), kBacklog), "listen");
  return socket;
}

UniqueFd connect_udp(const IpAddress& address, std::uint16_t port) {
  UniqueFd socket = open_socket(address, SOCK_DGRAM | SOCK_NONBLOCK);
  connect_to(socket.get(), address, port);
  return socket;
}

UniqueFd connect_tcp(const IpAddress& address, std::uint16_t port, std::chrono::milliseconds limit) {
  UniqueFd socket = open_socket(address, SOCK_STREAM);
  limit_time(socket.get(), limit);
  connect_to(socket.get(), address, port);
  return socket;
}

std::optional<UniqueFd> accept_tcp(int listener, std::chrono::milliseconds limit) {
  UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (!client) return std::nullopt;
  limit_time(client.get(), limit);
  return client;
}

std::optional<std::string_view> receive_datagram(int socket, std::string& buffer, SocketAddress* from, int* code) {
  if (from) from->size = sizeof from->storage;
  ssize_t got =
      ::recvfrom(socket, buffer.data(), buffer.size(), 0, from ? from->raw() : nullptr, from ? &from->size : nullptr);
  if (code) *code = got < 0 ? errno : 0;
  if (got < 0) return std::nullopt;
  return std::string_view(buffer.data(), static_cast<std::size_t>(got));
}

bool send_datagram_to(int socket, std::string_view data, const SocketAddress* to) noexcept {
  return ::sendto(socket, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT, to ? to->raw() : nullptr,
                  to ? to->size : 0) == static_cast<ssize_t>(data.size());
}

std::optional<std::string> receive_exactly(int socket, std::size_t size) {
  std::string data(size, '\0');
  for (std::size_t have = 0; have < size;) {
    ssize_t got = ::recv(socket, data.data() + have, size - have, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    have += static_cast<std::size_t>(got);
  }
  return data;
}

bool send_all(int socket, std::string_view data) noexcept {
  while (!data.empty()) {
    ssize_t sent = ::send(socket, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace hull::linux
