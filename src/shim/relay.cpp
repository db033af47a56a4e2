// SPDX-License-Identifier: Apache-2.0
#include "shim/relay.h"

#include <sys/epoll.h>

#include "base/error.h"
#include "linux/client_socket.h"
#include "linux/server_socket.h"
#include "linux/stream_io.h"

namespace hull::shim {

namespace {

constexpr std::int64_t kPauseMilliseconds = 100;  // of a listener when there are no descriptors left

}  // namespace

Relays::~Relays() {
  for (auto& [host, port] : ports_) stop(port);
  for (Connection& connection : connections_) {
    loop_.cancel(connection.client.watch);
    loop_.cancel(connection.container.watch);
  }
}

void Relays::stop(Port& port) {
  loop_.cancel(port.watch);
  loop_.cancel(port.pause);
}

void Relays::replace(std::vector<Relay> relays) {
  std::map<std::string, Port> before = std::exchange(ports_, {});
  for (Relay& relay : relays) {
    auto old = before.extract(relay.host);
    Port port = old ? std::move(old.mapped()) : Port{};
    port.target = std::move(relay.target);
    if (!port.listener) {
      if (!relay.listener) continue;
      port.listener = std::move(relay.listener);
      linux::set_nonblocking(port.listener.get());
      linux::set_backlog(port.listener.get());
      port.watch =
          loop_.watch(port.listener.get(), EPOLLIN, [this, host = relay.host](std::uint32_t) { accept(host); });
    }
    ports_.emplace(std::move(relay.host), std::move(port));
  }
  for (auto& [host, port] : before) stop(port);
}

void Relays::accept(const std::string& host) {
  Port& port = ports_.at(host);
  try {
    auto client = linux::accept_client(port.listener.get());
    if (!client) return;
    auto place = connections_.emplace(connections_.end());
    place->client.socket = std::move(*client);
    try {
      place->container.socket = linux::begin_connecting(linux::SocketKind::kTcp, port.target);
    } catch (const Error&) {
      connections_.erase(place);  // the client sees what a closed port would show it
      throw;
    }
    place->container.watch = loop_.watch(place->container.socket.get(), EPOLLOUT, [this, place](std::uint32_t events) {
      ready(place, place->container, place->client, events);
    });
  } catch (const Error&) {
    loop_.pause(port.watch);
    port.pause = loop_.after(kPauseMilliseconds, [this, host] {
      if (auto found = ports_.find(host); found != ports_.end()) loop_.change(found->second.watch, EPOLLIN);
    });
  }
}

void Relays::begin(Place connection) {
  connection->over = linux::connect_result(connection->container.socket.get()) != 0;
  if (connection->over) return;
  connection->connected = true;
  connection->client.watch =
      loop_.watch(connection->client.socket.get(), EPOLLIN, [this, connection](std::uint32_t events) {
        ready(connection, connection->client, connection->container, events);
      });
}

void Relays::ready(Place connection, Side& side, Side& other, std::uint32_t events) {
  if (connection->over) return;
  if (!connection->connected) {
    begin(connection);
  } else {
    if (events & EPOLLOUT && !side.unsent.empty()) {
      send(*connection, side, std::exchange(side.unsent, {}));
      if (side.unsent.empty() && other.ended) linux::shut_down_writing(side.socket.get());
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) pass(*connection, side, other);
  }
  settle(connection);
}

void Relays::send(Connection& connection, Side& to, std::string_view data) {
  auto result = linux::try_send(to.socket.get(), data);
  if (result.status == linux::IoStatus::kDone)
    data.remove_prefix(result.bytes);
  else if (result.status != linux::IoStatus::kWouldBlock)
    connection.over = true;
  to.unsent = data;
}

void Relays::pass(Connection& connection, Side& from, Side& to) {
  if (from.ended || !to.unsent.empty()) return;
  auto room = buffer_.get();
  auto result = linux::try_receive(from.socket.get(), room);
  switch (result.status) {
    case linux::IoStatus::kDone: return send(connection, to, {room.data(), result.bytes});
    case linux::IoStatus::kWouldBlock: return;
    case linux::IoStatus::kEnd: from.ended = true; return linux::shut_down_writing(to.socket.get());
    case linux::IoStatus::kFailed: connection.over = true;
  }
}

void Relays::settle(Place connection) {
  Side &client = connection->client, &container = connection->container;
  if (client.ended && container.ended && client.unsent.empty() && container.unsent.empty()) connection->over = true;
  if (!connection->over) {
    want(client, container);
    return want(container, client);
  }
  loop_.cancel(std::exchange(client.watch, 0));
  loop_.cancel(std::exchange(container.watch, 0));
  connections_.erase(connection);
}

void Relays::want(const Side& side, const Side& other) {
  std::uint32_t events = 0;
  if (!side.unsent.empty()) events |= EPOLLOUT;
  if (!side.ended && other.unsent.empty()) events |= EPOLLIN;
  if (events)
    loop_.change(side.watch, events);
  else
    loop_.pause(side.watch);
}

}  // namespace hull::shim
