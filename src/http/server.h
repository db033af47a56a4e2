// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/unique_fd.h"
#include "http/connection.h"
#include "http/message.h"
#include "linux/eventfd.h"
#include "linux/reactor.h"
#include "tls/context.h"

namespace hull::http {

struct Listener {
  UniqueFd socket;
  bool tls = false;
};

// Accepts connections and serves requests on threads, one per connection that is busy: a request runs from top to
// bottom in blocking calls. A connection that is idle for a moment gives its thread back and waits in the reactor, so
// idle ones cost a descriptor each and nothing else. With TLS a second thread en- and decrypts (tls::Tunnel); the
// rest of the engine sees a plain socket.
class Server {
 public:
  // `handler` is called by many threads at once. `tls` is needed for listeners with TLS.
  Server(Handler handler, linux::Reactor& reactor, std::optional<tls::Context> tls = {}, Rules rules = {})
      : handler_(std::move(handler)), rules_(rules), reactor_(reactor), tls_(std::move(tls)) {}
  ~Server() { stop(); }
  Server(const Server&) = delete;

  // Accepts until stop(); blocks. Beyond 2,048 busy connections a client gets 503.
  void serve(const std::vector<Listener>& listeners);
  // Ends serve(), and lets every connection come to its end, however long it takes: for a server whose listeners
  // somebody else has already. Connections without a request get `idle_patience`. Blocks; stop() is still to be called.
  void drain(std::chrono::nanoseconds idle_patience);
  // Ends serve(), cancels what waits (logs -f, wait, events), lets requests that work come to their end for at most
  // five seconds. Connections that were handed over are not touched. Idempotent; any thread. False when requests were
  // still going on then: nothing that they use may be destroyed.
  bool stop();

 private:
  struct Parked {
    Client client;
    linux::Reactor::Id watch = 0;
    std::int64_t since = 0;  // monotonic nanoseconds
  };

  void accept_from(const Listener& listener);
  Client start_tunnel(UniqueFd socket);
  void start_connection(Client client);
  void park(Client client);
  void wake(int fd);
  void drop_old_parked();
  void trim_soon();
  void run_connection(Client client);
  void run_tunnel(UniqueFd client, UniqueFd local);

  Handler handler_;
  Rules rules_;
  linux::Reactor& reactor_;
  std::optional<tls::Context> tls_;
  linux::EventFd interrupt_, end_accepting_, end_tunnels_;
  std::atomic<bool> draining_ = false;
  std::stop_source stopping_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t connections_ = 0, tunnels_ = 0;
  std::map<int, Parked> parked_;  // by descriptor
  linux::Reactor::Id trim_timer_ = 0, parked_timer_ = 0;
};

}  // namespace hull::http
