// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "linux/network_namespace.h"

// Sockets in namespaces: made by a thread that visits the namespace, usable from everywhere afterwards.
namespace traffic {

inline sockaddr_in name_of(const std::string& address, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
  return name;
}

// -1: the test's own namespace.
inline hull::UniqueFd socket_in(int network, int type) {
  hull::UniqueFd socket;
  auto make = [&] { socket = hull::UniqueFd(hull::check(::socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket")); };
  if (network < 0) {
    make();
  } else {
    hull::linux::ScopedNetworkNamespace inside(network);
    make();
  }
  return socket;
}

// Answers each TCP connection on `port` with the address that it came from.
class Server {
 public:
  Server(int network, std::uint16_t port) : socket_(socket_in(network, SOCK_STREAM)) {
    int on = 1;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto name = name_of("0.0.0.0", port);
    hull::check(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), "bind");
    hull::check(::listen(socket_.get(), 16), "listen");
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stop_ = true;
    thread_.join();
  }

 private:
  void serve() {
    while (!stop_) {
      pollfd waiting{socket_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      hull::UniqueFd client(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
      char text[INET_ADDRSTRLEN] = "";
      ::inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text);
      if (::send(client.get(), text, std::char_traits<char>::length(text), MSG_NOSIGNAL) < 0) continue;
    }
  }
  hull::UniqueFd socket_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// What a Server says; "" when it cannot be reached.
inline std::string ask(int network, const std::string& address, std::uint16_t port, int milliseconds = 400) {
  hull::UniqueFd socket = socket_in(network, SOCK_STREAM);
  timeval limit{milliseconds / 1000, milliseconds % 1000 * 1000};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  auto name = name_of(address, port);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) < 0) return "";
  char buffer[64];
  ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : "";
}

}  // namespace traffic
