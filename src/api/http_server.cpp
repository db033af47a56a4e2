// SPDX-License-Identifier: Apache-2.0
#include "api/http_server.h"

#include <malloc.h>
#include <pthread.h>

#include <chrono>
#include <memory>

#include "api/http_connection.h"
#include "api/http_transport.h"
#include "base/error.h"
#include "base/log.h"
#include "linux/server_socket.h"

namespace hull::api {

namespace {

constexpr std::size_t kMaximum = 2048;
constexpr std::size_t kStack = 256 << 10;
constexpr auto kPatience = std::chrono::seconds(5);
constexpr auto kTrimDelay = std::chrono::seconds(2);
constexpr auto kOutOfDescriptorsPause = std::chrono::milliseconds(50);
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 56\r\n"
    "\r\n{\"message\":\"the engine serves too many connections now\"}";

struct Start {
  Server* server;
  UniqueFd socket;
};

}  // namespace

void Server::serve(const std::vector<UniqueFd>& listeners) {
  std::vector<int> fds;
  for (const UniqueFd& listener : listeners) fds.push_back(listener.get());
  for (;;) {
    int ready = linux::wait_for_any(fds.data(), fds.size(), interrupt_.get());
    if (ready < 0) return;
    try {
      if (auto client = linux::accept_client(ready)) start_connection(std::move(*client));
    } catch (const Error& e) {
      // Out of descriptors, most likely: the listener stays readable, so a pause keeps this from spinning.
      log::warn("cannot accept a connection: ", e.message());
      linux::wait_for(interrupt_.get(), false, -1, kOutOfDescriptorsPause);
    }
  }
}

void Server::start_connection(UniqueFd socket) {
  {
    std::scoped_lock lock(mutex_);
    if (connections_ >= kMaximum) {
      linux::send_some(socket.get(), kBusy.data(), kBusy.size());
      return;
    }
    ++connections_;
  }
  auto start = std::make_unique<Start>(this, std::move(socket));
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStack);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  int code = ::pthread_create(&thread, &attributes, run_connection, start.get());
  ::pthread_attr_destroy(&attributes);
  if (code == 0) {
    static_cast<void>(start.release());
    return;
  }
  std::scoped_lock lock(mutex_);
  --connections_;
  throw_errno("pthread_create", {}, code);
}

void* Server::run_connection(void* argument) {
  std::unique_ptr<Start> start(static_cast<Start*>(argument));
  Server& server = *start->server;
  serve_connection(std::move(start->socket), server.handler_, server.reactor_, server.interrupt_.get(),
                   server.stopping_.get_token());
  start.reset();
  std::scoped_lock lock(server.mutex_);
  if (--server.connections_ == 0) server.trim_soon();
  server.ended_.notify_all();
  return nullptr;
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

bool Server::stop() {
  interrupt_.signal();
  stopping_.request_stop();
  std::unique_lock lock(mutex_);
  bool drained = ended_.wait_for(lock, kPatience, [&] { return connections_ == 0; });
  auto timer = std::exchange(trim_timer_, 0);
  lock.unlock();
  reactor_.cancel(timer);
  return drained;
}

}  // namespace hull::api
