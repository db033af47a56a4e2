// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "shim/event_loop.h"

namespace hull::shim {

// The standard input of a process: the writing end of its pipe, or its terminal.
class InputSink {
 public:
  // `fd` is non-blocking; invalid: everything is dropped. `drained` is called when full() is over.
  InputSink(EventLoop& loop, UniqueFd fd, std::function<void()> drained);
  ~InputSink();
  InputSink(const InputSink&) = delete;

  void write(std::string_view input);
  bool full() const { return !pending_.empty(); }
  void end();  // closes it when everything is written
  bool open() const { return fd_.valid(); }

 private:
  void flush();
  void close();

  EventLoop& loop_;
  UniqueFd fd_;
  std::function<void()> drained_;
  EventLoop::Id watch_ = 0;  // only while something is pending
  std::string pending_;
  bool ending_ = false;
};

}  // namespace hull::shim
