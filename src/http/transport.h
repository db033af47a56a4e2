// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "linux/reactor.h"
#include "linux/server_socket.h"

namespace hull::http {

// A client's socket with patience: every read and write has a time that it may take at most, and all reads end when
// the server stops.
class Transport {
 public:
  Transport(UniqueFd socket, int interrupt, std::chrono::milliseconds write_patience = std::chrono::hours(1))
      : socket_(std::move(socket)), interrupt_(interrupt), write_patience_(write_patience) {}

  // The end of the stream, a time-out and a stop of the server are all the same here: 0, nothing more to read.
  std::size_t read(void* buffer, std::size_t size);
  // Whether the next read() would not wait, after waiting for at most `patience`.
  linux::Wakeup wait_readable(std::chrono::milliseconds patience) const;
  void set_read_patience(std::chrono::milliseconds patience) { read_patience_ = patience; }
  // From now until all_the_time() all reads together may take this long: a client that sends a byte now and then must
  // not hold a thread.
  void set_time_limit(std::chrono::nanoseconds limit);
  void all_the_time() { deadline_ = 0; }
  // Throws Error{kCancelled} when the client went away or takes nothing.
  void write(std::string_view data);
  // Bytes of a regular file. Error{kCancelled} as well when the file ends before.
  void write_file(int file, std::uint64_t offset, std::uint64_t size);
  // Tells the client that nothing more comes, and reads away what it still sends for a moment: a close with unread
  // input would take the answer away from it before it can read it.
  void close_gently();

  int fd() const { return socket_.get(); }
  int interrupt() const { return interrupt_; }  // becomes readable when the server stops
  UniqueFd release() { return std::move(socket_); }

 private:
  UniqueFd socket_;
  int interrupt_;
  std::chrono::milliseconds write_patience_;
  std::chrono::milliseconds patience_now() const;

  std::chrono::milliseconds read_patience_{};
  std::int64_t deadline_ = 0;  // monotonic nanoseconds; 0: none
};

// Watches a socket for a client that hangs up (or ends its sending side: HTTP clients do not do that before they have
// their answer).
class HangUpWatch {
 public:
  HangUpWatch(int fd, linux::Reactor& reactor, std::stop_token stopping);
  ~HangUpWatch();
  HangUpWatch(const HangUpWatch&) = delete;
  std::stop_token token() const { return shared_->source.get_token(); }

 private:
  struct Shared {
    std::stop_source source;
    std::atomic<linux::Reactor::Id> id = 0;
  };
  struct Pass {
    std::shared_ptr<Shared> shared;
    void operator()() const { shared->source.request_stop(); }
  };
  linux::Reactor& reactor_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::stop_callback<Pass> on_server_stop_;
};

}  // namespace hull::http
