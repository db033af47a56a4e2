// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <vector>

#include "api/http_message.h"
#include "base/unique_fd.h"
#include "linux/eventfd.h"
#include "linux/reactor.h"

namespace hull::api {

// Accepts connections and gives each a thread of its own, which ends with the connection. Requests run on these
// threads from top to bottom, in blocking calls.
class Server {
 public:
  // `handler` is called by many threads at once.
  Server(Handler handler, linux::Reactor& reactor) : handler_(std::move(handler)), reactor_(reactor) {}
  ~Server() { stop(); }
  Server(const Server&) = delete;

  // Accepts until stop(); blocks. Beyond 2,048 connections a client gets 503.
  void serve(const std::vector<UniqueFd>& listeners);
  // Ends serve(), cancels what waits (logs -f, wait, events), lets requests that work come to their end for at most
  // five seconds. Connections that were handed over are not touched. Idempotent; any thread. False when requests were
  // still going on then: nothing that they use may be destroyed.
  bool stop();

 private:
  void start_connection(UniqueFd socket);
  void trim_soon();
  static void* run_connection(void* argument);

  Handler handler_;
  linux::Reactor& reactor_;
  linux::EventFd interrupt_;
  std::stop_source stopping_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t connections_ = 0;
  linux::Reactor::Id trim_timer_ = 0;
};

}  // namespace hull::api
