// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "shim/event_loop.h"
#include "shim/log_encoder.h"
#include "shim/packet_queue.h"

namespace hull::shim {

// A driver that sends: syslog, gelf, fluentd, journald.
//
//   waiting (for the next attempt) -> connecting -> connected -> waiting …
//
// What cannot be sent at once waits in a queue. What happens when that is full is the options' choice: the container
// waits (full()), or lines are dropped, and counted. A packet that was sent in part is sent again as a whole over the
// next connection.
class RemoteLog : public LogSink {
 public:
  // `note`: for the engine's own log. `changed`: full() or busy() may have changed. With must_connect it throws what a
  // person is to read when the first attempt fails, or takes more than a few seconds.
  RemoteLog(EventLoop& loop, RemoteLogOptions options, std::function<void(std::string)> note,
            std::function<void()> changed);
  ~RemoteLog() override;

  void write(const LogPiece& piece) override;
  void flush() override;
  bool full() const override;
  bool busy() const override { return !queue_.empty(); }
  bool child_ended(pid_t pid, int wait_status) override;
  void trim() override { packets_ = {}; }

 private:
  enum class State : unsigned char { kWaiting, kConnecting, kConnected };

  bool is_stream() const;
  void connect_first();
  void try_connect();
  UniqueFd open_socket();
  UniqueFd open_tls();
  std::optional<std::string> tls_refusal();
  void ready(std::uint32_t events);
  void finish_connecting();
  void receive();
  void send();
  bool send_datagram();
  bool send_stream();
  void lost(int code);
  void retry_later();
  void give_up_waiting();
  bool has_room(std::size_t more) const;
  void report_drops();
  void update_events();
  void tell_changed();
  std::string describe(int code) const;

  EventLoop& loop_;
  RemoteLogOptions options_;
  std::function<void(std::string)> note_;
  std::function<void()> changed_;
  std::unique_ptr<LogEncoder> encoder_;
  std::vector<std::string> packets_;
  PacketQueue queue_;
  std::size_t sent_ = 0;  // of the first packet, over this connection
  bool awaiting_answer_ = false;
  std::string answer_;

  State state_ = State::kWaiting;
  UniqueFd socket_;
  bool connected_stream_ = false;  // what LogTransport::kUnixAny turned out to be
  pid_t tls_process_ = -1;
  EventLoop::Id watch_ = 0, timer_ = 0;
  std::int64_t delay_ = 0, attempts_ = 0;
  std::uint64_t dropped_ = 0, reported_ = 0;
  bool was_full_ = false, was_busy_ = false;
};

}  // namespace hull::shim
