// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/clock.h"
#include "shim/channel.h"

namespace hull::shim {

// One line of output, or a piece of a long one. The views are valid for the call that they are given to.
struct LogPiece {
  Channel channel = Channel::kOut;
  std::string_view text;  // without the newline
  Timestamp time;         // of the line's first piece
  bool newline = true;    // the line ends here
  // Of a line in pieces; an id of "" means that the line is whole.
  std::string_view partial_id;
  int ordinal = 0;  // from 1 on

  bool partial() const { return !partial_id.empty(); }
};

// Where lines of output go. write() for each, flush() after those of one read. Nothing here blocks.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(const LogPiece& piece) = 0;
  virtual void flush() = 0;
  // No more output is to be read for now.
  virtual bool full() const { return false; }
  // Something is still to be done when the container has ended.
  virtual bool busy() const { return false; }
  // A child of the shim has ended; whether it was this sink's.
  virtual bool child_ended(pid_t /*pid*/, int /*wait_status*/) { return false; }
  // The container has ended: what cannot be done quickly is not begun any more.
  virtual void end() {}
  // Gives back the memory of busy times.
  virtual void trim() {}
};

}  // namespace hull::shim
