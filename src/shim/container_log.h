// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shim/event_loop.h"
#include "shim/line_splitter.h"
#include "shim/log_options.h"

namespace hull::shim {

// The log of a container: its output in lines, to each of its destinations.
class ContainerLog {
 public:
  struct Listener {
    std::function<void(std::string)> note;  // something for the engine's own log
    std::function<void()> changed;          // full() or busy() may have changed
  };
  // Connects to a remote that the start depends on, for at most a few seconds. Throws what a person is to read.
  ContainerLog(EventLoop& loop, const LogOptions& options, Listener listener);
  ContainerLog(const ContainerLog&) = delete;

  void append(Channel channel, std::string_view output) { splitter_.append(channel, output); }
  void finish(Channel channel) { splitter_.finish(channel); }
  bool full() const { return sinks_.full(); }

  // The container has ended. What is still on its way is seen off until busy() is false.
  void end() { sinks_.end(); }
  bool busy() const { return sinks_.busy(); }
  void child_ended(pid_t pid, int wait_status) { sinks_.child_ended(pid, wait_status); }
  void trim();

 private:
  struct Sinks : LogSink {
    void write(const LogPiece& piece) override;
    void flush() override;
    bool full() const override;
    bool busy() const override;
    bool child_ended(pid_t pid, int wait_status) override;
    void end() override;
    void trim() override;
    std::vector<std::unique_ptr<LogSink>> list;
  };
  Sinks sinks_;
  LineSplitter splitter_;
};

}  // namespace hull::shim
