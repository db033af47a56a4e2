// SPDX-License-Identifier: Apache-2.0
#include "linux/client_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "base/error.h"

namespace hull::linux {

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address unix_address(const std::string& path) {
  Address address;
  auto* name = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof name->sun_path) throw_errno("connect", path, ENAMETOOLONG);
  name->sun_family = AF_UNIX;
  std::memcpy(name->sun_path, path.c_str(), path.size() + 1);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

Address internet_address(const std::string& text) {
  auto colon = text.rfind(':');
  auto port = colon == text.npos ? std::nullopt : parse_number<std::uint16_t>(std::string_view(text).substr(colon + 1));
  if (!port) throw_errno("connect", text, EINVAL);
  std::string host = text.substr(0, colon);
  Address address;
  if (host.starts_with('[') && host.ends_with(']')) {
    auto* six = reinterpret_cast<sockaddr_in6*>(&address.storage);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(*port);
    address.size = sizeof *six;
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &six->sin6_addr) == 1) return address;
  } else {
    auto* four = reinterpret_cast<sockaddr_in*>(&address.storage);
    four->sin_family = AF_INET;
    four->sin_port = htons(*port);
    address.size = sizeof *four;
    if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) return address;
  }
  throw_errno("connect", text, EINVAL);
}

}  // namespace

UniqueFd begin_connecting(SocketKind kind, const std::string& address) {
  bool is_unix = kind == SocketKind::kUnixStream || kind == SocketKind::kUnixDatagram;
  bool is_stream = kind == SocketKind::kUnixStream || kind == SocketKind::kTcp;
  Address to = is_unix ? unix_address(address) : internet_address(address);
  int type = (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  UniqueFd socket(check(::socket(to.storage.ss_family, type, 0), "socket"));
  int on = 1;
  if (kind == SocketKind::kTcp) ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) < 0 && errno != EINPROGRESS)
    throw_errno("connect", address);
  return socket;
}

int connect_result(int socket) {
  int code = 0;
  socklen_t size = sizeof code;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) < 0) return errno;
  return code;
}

bool writable_within(int socket, int timeout_ms) {
  pollfd entry{.fd = socket, .events = POLLOUT, .revents = 0};
  int ready;
  do ready = ::poll(&entry, 1, timeout_ms);
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace hull::linux
