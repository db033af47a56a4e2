// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "shim/channel.h"
#include "shim/client.h"
#include "shim/container_log.h"
#include "shim/event_loop.h"
#include "shim/input_sink.h"
#include "shim/stream_client.h"

namespace hull::shim {

// Our ends of the stdio of a process. Invalid ones are not connected.
struct ProcessEnds {
  UniqueFd in, out, err;
  UniqueFd terminal;  // instead of the three
};

// The one buffer that all streams of the shim read through. It has memory only in busy times.
class ReadBuffer {
 public:
  std::span<char> get();
  void release() { memory_.reset(); }

 private:
  std::unique_ptr<char[]> memory_;
};

// The stdio of one process (the container's first, or an exec's) and everybody who is attached to it. Output goes to
// the log and to every client that wants it; it is read no faster than the slowest client takes it, but a client that
// takes nothing for ten seconds is cut off when there are others. Input of all clients goes to the process.
class Streams {
 public:
  struct Listener {
    std::function<void()> detached;  // a client typed its detach keys
    std::function<void()> idle;      // close() was called, and the last client is gone. May come more than once
  };
  // `log` may be null. `end_input_with_client`: the input ends when the first client ends its own.
  Streams(EventLoop& loop, ReadBuffer& buffer, ProcessEnds ends, ContainerLog* log, bool end_input_with_client,
          Listener listener);
  ~Streams();
  Streams(const Streams&) = delete;

  void attach(Stream stream);
  void resize(std::uint16_t rows, std::uint16_t columns);  // Error{kInvalidArgument} without a terminal
  // A message in place of the process's own output, for all clients.
  void tell(std::string_view text);
  // The process has ended: takes what is left in its pipes, without waiting for others that hold them open.
  void drain();
  // Flushes the clients, and closes their connections.
  void close();
  // The log may have room again.
  void resume() { settle(); }
  bool idle() const { return closing_ && clients_.empty(); }

 private:
  struct Source {
    Channel channel;
    UniqueFd fd;
    EventLoop::Id watch = 0;
  };
  void add_source(Channel channel, UniqueFd fd);
  // False at the end of the stream, or when there is nothing to read now.
  bool read_once(Source& source);
  void end_source(Source& source);
  void deliver(Channel channel, std::string_view output);
  void client_input(StreamClient& client, std::string_view input);
  void settle();
  void regulate();
  void check_stalled();
  bool anyone_full(Channel channel) const;

  EventLoop& loop_;
  ReadBuffer& buffer_;
  ContainerLog* log_;
  bool end_input_with_client_;
  Listener listener_;
  std::vector<std::unique_ptr<Source>> sources_;
  UniqueFd terminal_;
  InputSink input_;
  std::list<std::unique_ptr<StreamClient>> clients_;
  EventLoop::Id stall_timer_ = 0;
  bool closing_ = false, settling_ = false;
};

}  // namespace hull::shim
