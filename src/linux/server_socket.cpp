// SPDX-License-Identifier: Apache-2.0
#include "linux/server_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "linux/socket_address.h"
#include "linux/stream_io.h"
#include "linux/unix_address.h"

namespace hull::linux {

namespace {

constexpr int kBacklog = 1024;

bool somebody_listens(const UnixAddress& address) {
  UniqueFd probe(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  return address.connect(probe.get()) == 0;
}

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;
Addresses resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (int code = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), cat(port).c_str(), &hints, &found); code != 0)
    fail_invalid("cannot listen on ", host, ":", port, ": ", std::string_view(::gai_strerror(code)));
  return {found, ::freeaddrinfo};
}

template <class Call>
std::optional<std::size_t> without_blocking(Call call, std::string_view operation) {
  for (;;) {
    ssize_t moved = call();
    if (moved >= 0) return static_cast<std::size_t>(moved);
    if (errno == EAGAIN) return std::nullopt;
    if (errno != EINTR) throw_errno(operation);
  }
}

}  // namespace

UniqueFd listen_at_path(const std::string& path, mode_t mode, std::optional<gid_t> group) {
  UnixAddress address(path);
  UniqueFd listener(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
  if (address.bind(listener.get()) < 0) {
    if (errno != EADDRINUSE) throw_errno("bind", path);
    if (somebody_listens(address)) fail(Kind::kConflict, "somebody else listens on ", path, " already");
    check(::unlink(path.c_str()), "unlink", path);
    check(address.bind(listener.get()), "bind", path);
  }
  // Until listen() nobody can connect, so there is no moment with the wrong permissions.
  if (group) check(::lchown(path.c_str(), static_cast<uid_t>(-1), *group), "chown", path);
  check(::chmod(path.c_str(), mode), "chmod", path);
  check(::listen(listener.get(), kBacklog), "listen", path);
  return listener;
}

UniqueFd listen_tcp(const std::string& host, std::uint16_t port) {
  Addresses addresses = resolve(host, port);
  int code = EADDRNOTAVAIL;
  for (const addrinfo* a = addresses.get(); a; a = a->ai_next) {
    UniqueFd listener(::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int on = 1, off = 0;
    if (!listener) continue;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6) ::setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (::bind(listener.get(), a->ai_addr, a->ai_addrlen) == 0 && ::listen(listener.get(), kBacklog) == 0)
      return listener;
    code = errno;
  }
  throw_errno("listen", cat(host, ":", port), code);
}

bool is_listener(int fd) {
  int on = 0;
  socklen_t size = sizeof on;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on;
}

UniqueFd duplicate_of(int fd) {
  constexpr int kFirst = 3;
  return UniqueFd(check(::fcntl(fd, F_DUPFD_CLOEXEC, kFirst), "dup"));
}

bool is_internet_socket(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && (domain == AF_INET || domain == AF_INET6);
}

Wakeup wait_for(int fd, bool for_writing, int interrupt, std::chrono::milliseconds patience) {
  pollfd polled[2] = {{fd, static_cast<short>(for_writing ? POLLOUT : POLLIN), 0}, {interrupt, POLLIN, 0}};
  int ready = ::poll(polled, 2, patience.count() < 0 ? -1 : static_cast<int>(patience.count()));
  if (ready < 0) {
    if (errno == EINTR) return wait_for(fd, for_writing, interrupt, patience);
    throw_errno("poll");
  }
  if (polled[0].revents) return Wakeup::kReady;
  return ready == 0 ? Wakeup::kTimeout : Wakeup::kInterrupted;
}

int wait_for_any(const int* listeners, std::size_t count, int interrupt) {
  std::vector<pollfd> polled;
  for (std::size_t i = 0; i < count; ++i) polled.push_back({listeners[i], POLLIN, 0});
  polled.push_back({interrupt, POLLIN, 0});
  for (;;) {
    if (::poll(polled.data(), polled.size(), -1) < 0) {
      if (errno == EINTR) continue;
      throw_errno("poll");
    }
    if (polled.back().revents) return -1;
    for (std::size_t i = 0; i < count; ++i)
      if (polled[i].revents) return listeners[i];
  }
}

std::optional<std::size_t> receive_some(int fd, void* buffer, std::size_t size) {
  return without_blocking([&] { return ::recv(fd, buffer, size, MSG_DONTWAIT); }, "recv");
}

std::optional<std::size_t> send_some(int fd, const void* data, std::size_t size) {
  return without_blocking([&] { return ::send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL); }, "send");
}

std::optional<std::size_t> send_file_some(int fd, int file, std::uint64_t offset, std::uint64_t size) {
  constexpr std::uint64_t kMost = 0x7ffff000;  // what the kernel moves at once, at most
  set_nonblocking(fd);
  auto position = static_cast<off_t>(offset);
  return without_blocking([&] { return ::sendfile(fd, file, &position, std::min(size, kMost)); }, "sendfile");
}

std::string peer_name(int fd) {
  SocketAddress peer;
  if (::getpeername(fd, peer.raw(), &peer.size) < 0) return {};
  if (peer.storage.ss_family != AF_INET && peer.storage.ss_family != AF_INET6) return {};
  std::string host = peer.address().text();
  return host.find(':') == host.npos ? cat(host, ":", peer.port()) : cat("[", host, "]:", peer.port());
}

void end_writing(int fd) noexcept { ::shutdown(fd, SHUT_WR); }

}  // namespace hull::linux
