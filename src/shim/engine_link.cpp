// SPDX-License-Identifier: Apache-2.0
#include "shim/engine_link.h"

#include "base/log.h"
#include "linux/stream_io.h"
#include "linux/unix_socket.h"

namespace hull::shim {

namespace {
constexpr const char* kSocketName = "shim.sock";
}

EngineLink::EngineLink(EventLoop& loop, UniqueFd launch, Listener listener)
    : loop_(loop), listener_(std::move(listener)) {
  add(std::move(launch));
  subscriber_ = connections_.begin()->first;
}

EngineLink::~EngineLink() {
  stop_listening();
  for (auto& [id, peer] : connections_) loop_.cancel(id);
}

void EngineLink::listen(const std::string& directory) {
  listening_ = linux::listen_unix(directory, kSocketName);
  directory_ = directory;
  listening_watch_ = loop_.watch(listening_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
}

void EngineLink::stop_listening() {
  if (!listening_) return;
  loop_.cancel(listening_watch_);
  listening_.reset();
  ::unlink(cat(directory_, "/", kSocketName).c_str());
}

void EngineLink::accept() {
  auto socket = linux::accept_unix(listening_.get());
  // The directory is the engine's own; the check is for a directory that somebody has opened to others.
  if (socket && linux::peer_of(socket->get()).uid == ::geteuid()) add(std::move(*socket));
}

void EngineLink::add(UniqueFd socket) {
  auto peer = std::make_shared<Peer>();
  peer->socket = std::move(socket);
  auto id = std::make_shared<Connection>(0);
  *id = loop_.watch(peer->socket.get(), EPOLLIN, [this, id](std::uint32_t events) { ready(*id, events); });
  connections_.emplace(*id, std::move(peer));
}

void EngineLink::ready(Connection connection, std::uint32_t events) {
  if (events & EPOLLOUT) flush(connection);
  if (events & ~static_cast<std::uint32_t>(EPOLLOUT)) receive(connection);
}

void EngineLink::receive(Connection connection) {
  auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  auto peer = found->second;  // a request may close its own connection
  try {
    while (auto message = peer->reader.next(peer->socket.get(), MessageReader::Waiting::kNo)) {
      listener_.request(connection, std::move(*message));
      if (!connections_.contains(connection)) return;
    }
    if (peer->reader.ended()) close(connection);
  } catch (const Error& e) {
    log::warn("closing a connection of the engine: ", e.message());
    close(connection);
  }
}

void EngineLink::close(Connection connection) {
  loop_.cancel(connection);
  connections_.erase(connection);
  if (connection == subscriber_) listener_.subscriber_lost();
}

void EngineLink::answer(Connection connection, MessageKind kind, std::string_view body,
                        std::span<const int> descriptors) {
  auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  try {
    // May block in theory only: whoever asked has taken every answer before this one.
    send_message(found->second->socket.get(), kind, body, descriptors);
  } catch (const Error& e) {
    log::debug("an engine went away before its answer: ", e.message());
  }
}

void EngineLink::tell(MessageKind kind, std::string_view body) {
  auto found = connections_.find(subscriber_);
  if (found == connections_.end()) return;
  found->second->unsent += frame(kind, body);
  flush(subscriber_);
}

void EngineLink::flush(Connection connection) {
  auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  Peer& peer = *found->second;
  while (!peer.unsent.empty()) {
    auto result = linux::try_send(peer.socket.get(), peer.unsent);
    if (result.status != linux::IoStatus::kDone) break;  // a lost connection shows when it is read
    peer.unsent.erase(0, result.bytes);
  }
  loop_.change(connection, peer.unsent.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

bool EngineLink::flushed() const {
  auto found = connections_.find(subscriber_);
  return found == connections_.end() || found->second->unsent.empty();
}

}  // namespace hull::shim
