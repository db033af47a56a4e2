// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/epoll.h>

#include <chrono>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "http/connection.h"
#include "http/transport.h"
#include "linux/server_socket.h"
#include "linux/unix_socket.h"
#include "tls/tunnel.h"

namespace hull::http {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaximum = 2048;  // busy connections
constexpr std::size_t kEager = 256;     // up to here a new connection gets its thread before its first byte
constexpr std::size_t kStack = 256 << 10;
constexpr auto kPatience = 5s;
constexpr auto kTrimDelay = 2s;
constexpr auto kOutOfDescriptorsPause = 50ms;
constexpr auto kHandshakePatience = 30s;
constexpr auto kSweep = 60s;
constexpr std::int64_t kIdleLimit = 300'000'000'000;  // nanoseconds

std::string busy_answer(RefusalBody refusal) {
  std::string body = refusal(503, "too many connections are served now");
  return cat("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n",
             "Content-Length: ", body.size(), "\r\n\r\n", body);
}

void* run_thread(void* argument) {
  std::unique_ptr<std::function<void()>> work(static_cast<std::function<void()>*>(argument));
  (*work)();
  return nullptr;
}

// A detached thread with a small stack. Throws errno.
void start_thread(std::function<void()> work) {
  auto held = std::make_unique<std::function<void()>>(std::move(work));
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStack);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  int code = ::pthread_create(&thread, &attributes, run_thread, held.get());
  ::pthread_attr_destroy(&attributes);
  if (code != 0) throw_errno("pthread_create", {}, code);
  static_cast<void>(held.release());
}

}  // namespace

void Server::serve(const std::vector<Listener>& listeners) {
  std::vector<int> fds;
  for (const Listener& listener : listeners) fds.push_back(listener.socket.get());
  for (;;) {
    int ready = linux::wait_for_any(fds.data(), fds.size(), end_accepting_.get());
    if (ready < 0) return;
    try {
      for (const Listener& listener : listeners)
        if (listener.socket.get() == ready) accept_from(listener);
    } catch (const Error& e) {
      // Out of descriptors, most likely: the listener stays readable, so a pause keeps this from spinning.
      log::warn("cannot accept a connection: ", e.message());
      linux::wait_for(interrupt_.get(), false, -1, kOutOfDescriptorsPause);
    }
  }
}

void Server::accept_from(const Listener& listener) {
  auto socket = linux::accept_client(listener.socket.get());
  if (!socket) return;
  Client client = listener.tls ? start_tunnel(std::move(*socket)) : Client{std::move(*socket), {}};
  if (!client.socket) return;
  bool busy;
  {
    std::scoped_lock lock(mutex_);
    busy = connections_ >= kEager;
  }
  if (busy)
    park(std::move(client));
  else
    start_connection(std::move(client));
}

Client Server::start_tunnel(UniqueFd socket) {
  {
    std::scoped_lock lock(mutex_);
    if (tunnels_ >= kMaximum) return {};  // no handshake, no answer
    ++tunnels_;
  }
  try {
    auto [near, far] = linux::make_socket_pair();
    std::string peer = linux::peer_name(socket.get());
    auto sockets = std::make_shared<std::pair<UniqueFd, UniqueFd>>(std::move(socket), std::move(far));
    start_thread([this, sockets] { run_tunnel(std::move(sockets->first), std::move(sockets->second)); });
    return {std::move(near), std::move(peer)};
  } catch (const Error&) {
    std::scoped_lock lock(mutex_);
    --tunnels_;
    throw;
  }
}

void Server::run_tunnel(UniqueFd client, UniqueFd local) {
  try {
    tls::Tunnel tunnel(*tls_, std::move(client));
    tunnel.accept(kHandshakePatience, interrupt_.get());
    tunnel.run(std::move(local), end_tunnels_.get());
  } catch (const Error& e) {
    log::info("a connection over TLS is refused: ", e.message());
  }
  local.reset();
  std::scoped_lock lock(mutex_);
  --tunnels_;
  ended_.notify_all();
}

void Server::start_connection(Client client) {
  {
    std::scoped_lock lock(mutex_);
    if (connections_ >= kMaximum) {
      std::string answer = busy_answer(rules_.refusal);
      linux::send_some(client.socket.get(), answer.data(), answer.size());
      return;
    }
    ++connections_;
  }
  auto held = std::make_shared<Client>(std::move(client));
  try {
    start_thread([this, held] { run_connection(std::move(*held)); });
  } catch (const Error&) {
    std::scoped_lock lock(mutex_);
    --connections_;
    throw;
  }
}

void Server::run_connection(Client client) {
  Client idle = serve_connection(std::move(client), handler_, rules_, reactor_,
                                 {interrupt_.get(), stopping_.get_token(), &draining_});
  if (idle.socket) park(std::move(idle));
  std::scoped_lock lock(mutex_);
  if (--connections_ == 0) trim_soon();
  ended_.notify_all();
}

// The next byte, or the end, of this connection gives it a thread again.
void Server::park(Client client) {
  int fd = client.socket.get();
  std::scoped_lock lock(mutex_);
  if (stopping_.stop_requested()) return;
  Parked& parked = parked_[fd];
  parked.client = std::move(client);
  parked.since = monotonic_nanoseconds();
  parked.watch = reactor_.watch(fd, EPOLLIN | EPOLLRDHUP, [this, fd](std::uint32_t) { wake(fd); });
  if (!parked_timer_) parked_timer_ = reactor_.after(kSweep, [this] { drop_old_parked(); });
}

void Server::wake(int fd) {
  std::map<int, Parked>::node_type woken;
  {
    std::scoped_lock lock(mutex_);
    woken = parked_.extract(fd);
  }
  if (!woken) return;
  reactor_.cancel(woken.mapped().watch);
  try {
    start_connection(std::move(woken.mapped().client));
  } catch (const Error& e) {
    log::warn("cannot serve a connection: ", e.message());
  }
}

void Server::drop_old_parked() {
  std::vector<Parked> old;
  {
    std::scoped_lock lock(mutex_);
    parked_timer_ = 0;
    const std::int64_t limit = monotonic_nanoseconds() - kIdleLimit;
    for (auto entry = parked_.begin(); entry != parked_.end();) {
      if (entry->second.since < limit) old.push_back(std::move(entry->second));
      entry = entry->second.client.socket ? std::next(entry) : parked_.erase(entry);
    }
    if (!parked_.empty()) parked_timer_ = reactor_.after(kSweep, [this] { drop_old_parked(); });
  }
  for (const Parked& parked : old) reactor_.cancel(parked.watch);
}

// The memory of a burst goes back to the kernel once the burst is over. Not at once: the next command is on its way.
void Server::trim_soon() {
  if (trim_timer_ || stopping_.stop_requested()) return;
  trim_timer_ = reactor_.after(kTrimDelay, [this] {
    {
      std::scoped_lock lock(mutex_);
      trim_timer_ = 0;
      if (connections_ > 0) return;
    }
    reactor_.run_in_background([] { ::malloc_trim(0); });
  });
}

void Server::drain(std::chrono::nanoseconds idle_patience) {
  draining_ = true;
  end_accepting_.signal();
  std::unique_lock lock(mutex_);
  // Clients that are idle now may be about to ask: their next answer tells them that it was the last one.
  ended_.wait_for(lock, idle_patience, [&] { return connections_ == 0 && parked_.empty(); });
  auto parked = std::exchange(parked_, {});
  lock.unlock();
  for (const auto& [fd, waiting] : parked) reactor_.cancel(waiting.watch);
  parked.clear();
  lock.lock();
  ended_.wait(lock, [&] { return connections_ == 0 && tunnels_ == 0; });
}

bool Server::stop() {
  end_accepting_.signal();
  interrupt_.signal();
  stopping_.request_stop();
  std::unique_lock lock(mutex_);
  bool drained = ended_.wait_for(lock, kPatience, [&] { return connections_ == 0; });
  // What was sent last is on its way through the tunnels; those of streams that go on have to end with us.
  ended_.wait_for(lock, 100ms, [&] { return tunnels_ == 0; });
  end_tunnels_.signal();
  drained = ended_.wait_for(lock, kPatience, [&] { return tunnels_ == 0; }) && drained;
  auto parked = std::exchange(parked_, {});
  auto trim = std::exchange(trim_timer_, 0), sweep = std::exchange(parked_timer_, 0);
  lock.unlock();
  for (const auto& [fd, waiting] : parked) reactor_.cancel(waiting.watch);
  reactor_.cancel(trim);
  reactor_.cancel(sweep);
  return drained;
}

}  // namespace hull::http
