// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "shim/event_loop.h"
#include "shim/protocol.h"

namespace hull::shim {

// The shim's side of all connections to the engine: the one of the launch, and those that come in through the
// shim's own socket. At most one of them is the subscriber that gets the events.
class EngineLink {
 public:
  using Connection = EventLoop::Id;
  struct Listener {
    std::function<void(Connection, Message)> request;
    std::function<void()> subscriber_lost;
  };
  // `launch` is the subscriber until another one comes.
  EngineLink(EventLoop& loop, UniqueFd launch, Listener listener);
  ~EngineLink();
  EngineLink(const EngineLink&) = delete;

  void listen(const std::string& directory);  // throws errno
  void stop_listening();                      // and removes the socket's file. Idempotent

  // Never throws: an engine that is gone needs no answer.
  void answer(Connection connection, MessageKind kind, std::string_view body, std::span<const int> descriptors = {});
  void subscribe(Connection connection) { subscriber_ = connection; }
  bool has_subscriber() const { return connections_.contains(subscriber_); }
  void tell(MessageKind kind, std::string_view body);  // to the subscriber, without waiting
  // True when everything told is handed to the kernel.
  bool flushed() const;

 private:
  struct Peer {
    UniqueFd socket;
    MessageReader reader;
    std::string unsent;
  };
  void add(UniqueFd socket);
  void accept();
  void ready(Connection connection, std::uint32_t events);
  void receive(Connection connection);
  void flush(Connection connection);
  void close(Connection connection);

  EventLoop& loop_;
  Listener listener_;
  std::map<Connection, std::shared_ptr<Peer>> connections_;
  Connection subscriber_ = 0;
  std::string directory_;
  UniqueFd listening_;
  EventLoop::Id listening_watch_ = 0;
};

}  // namespace hull::shim
