// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "shim/channel.h"
#include "shim/client.h"
#include "shim/detach_keys.h"
#include "shim/event_loop.h"

namespace hull::shim {

// One attached client: its socket, what it is to get and has not taken yet, and what it types.
//
//   open -> closing (gets nothing new; the rest is flushed) -> lingering (told the end, waits for the client to close
//   its side: closing first would destroy what it has not read yet) -> closed
class StreamClient {
 public:
  // `changed` is called after every event on the socket; `input` with whatever the client sends, and with "" once at
  // the end of its input.
  struct Listener {
    std::function<void(StreamClient&, std::string_view)> input;
    std::function<void()> changed;
  };
  StreamClient(EventLoop& loop, Stream stream, Listener listener);
  ~StreamClient();
  StreamClient(const StreamClient&) = delete;

  bool wants(Channel channel) const;
  void send(Channel channel, std::string_view output);
  bool full() const { return state_ == State::kOpen && pending_.size() - sent_ >= kFull; }
  // Milliseconds since it last took anything, while something is waiting for it.
  std::int64_t stalled_for() const;

  void take_input(bool wanted);  // back-pressure
  bool has_input() const { return stream_.in; }
  bool input_ended() const { return input_ended_; }
  DetachKeys& detach_keys() { return detach_keys_; }

  void begin_closing();
  void drop();  // at once, with what is pending
  bool open() const { return state_ == State::kOpen; }
  bool closed() const { return state_ == State::kClosed; }

 private:
  enum class State : unsigned char { kOpen, kClosing, kLingering, kClosed };
  static constexpr std::size_t kFull = 64 << 10;

  void ready(std::uint32_t events);
  void receive();
  void end_input();
  void flush();
  void lose_output();
  void push(std::string_view header, std::string_view output);
  void advance();
  void update_events();

  EventLoop& loop_;
  Stream stream_;
  Listener listener_;
  DetachKeys detach_keys_;
  EventLoop::Id watch_ = 0, deadline_ = 0;
  State state_ = State::kOpen;
  std::string pending_;
  std::size_t sent_ = 0;  // of pending_
  std::int64_t progress_ = 0;
  bool input_wanted_ = true, input_ended_ = false, hung_up_ = false;
};

}  // namespace hull::shim
