// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "shim/client.h"
#include "shim/event_loop.h"
#include "shim/streams.h"

namespace hull::shim {

// Published ports whose clients come with an address of a family that the container has none of: IPv6, to a container
// with IPv4 alone. The kernel translates addresses within a family only, so the shim takes these connections and hands
// their bytes on. Each direction holds at most one buffer that its receiver has not taken yet.
class Relays {
 public:
  Relays(EventLoop& loop, ReadBuffer& buffer) : loop_(loop), buffer_(buffer) {}
  ~Relays();  // closes everything
  Relays(const Relays&) = delete;

  // What is relayed from now on. One without a listener keeps the one that its `host` had; connections go on.
  void replace(std::vector<Relay> relays);

 private:
  struct Port {
    UniqueFd listener;
    std::string target;
    EventLoop::Id watch = 0, pause = 0;
  };
  struct Side {
    UniqueFd socket;
    EventLoop::Id watch = 0;
    std::string unsent;  // what it has still to take
    bool ended = false;  // it sends no more
  };
  struct Connection {
    Side client, container;
    bool connected = false, over = false;
  };
  using Place = std::list<Connection>::iterator;

  void stop(Port& port);
  void accept(const std::string& host);
  void ready(Place connection, Side& side, Side& other, std::uint32_t events);
  void begin(Place connection);
  static void send(Connection& connection, Side& to, std::string_view data);
  void pass(Connection& connection, Side& from, Side& to);
  void settle(Place connection);
  void want(const Side& side, const Side& other);

  EventLoop& loop_;
  ReadBuffer& buffer_;
  std::map<std::string, Port> ports_;
  std::list<Connection> connections_;
};

}  // namespace hull::shim
