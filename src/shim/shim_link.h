// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "linux/reactor.h"
#include "shim/client.h"
#include "shim/protocol.h"

namespace hull::shim {

// The engine's connection for the events of one shim. Blocking and unwatched while a start or a subscription is going
// on; from watch() on the reactor alone reads it.
class ShimLink : public std::enable_shared_from_this<ShimLink> {
 public:
  ShimLink(linux::Reactor& reactor, std::string directory, UniqueFd socket, UniqueFd pidfd, Events events);

  // Sends and waits for the answer. Throws what the shim answered, Error{kInternal} when the shim is gone.
  Message ask(MessageKind kind, std::string_view body, std::span<const int> descriptors = {});
  // The same for kSubscribe, but waits at most that long for the answer to begin: Error{kUnavailable}.
  Message subscribe(int timeout_ms);
  void watch();
  // After return no event is delivered; what hooks of the end warn of is still logged. Idempotent.
  void unwatch();

 private:
  void readable();
  void deliver(const Message& message);
  void read_notes();
  void connection_ended();
  void shim_ended();

  linux::Reactor& reactor_;
  const std::string directory_;
  UniqueFd socket_, pidfd_;
  const Events events_;
  MessageReader reader_;
  std::mutex mutex_;  // of the ids
  linux::Reactor::Id watch_ = 0, end_watch_ = 0, notes_watch_ = 0;
  std::atomic<bool> notes_follow_ = false;
  bool unwatched_ = false;
  bool exited_ = false;  // reactor's thread only
};

// Reads one answer from `socket`; see ShimLink::ask().
Message receive_answer(int socket, MessageReader& reader);

}  // namespace hull::shim
