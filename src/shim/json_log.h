// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "shim/channel.h"
#include "shim/log_file.h"

namespace hull::shim {

// Docker's json-file log: {"log":"text\n","stream":"stdout","time":"…"} per line of output. A line of 16 KiB or more
// is written in pieces, of which only the last has the newline; they carry the time of the first. All lines of one
// append() have one time (one look at the clock) and, as long as no rotation comes between, one write.
class JsonLog {
 public:
  explicit JsonLog(LogFile file) : file_(std::move(file)) {}

  void append(Channel channel, std::string_view output);
  // The stream has ended: a last line without newline is written as it is.
  void finish(Channel channel);
  // Gives back the memory of busy times.
  void trim();

 private:
  struct State {
    std::string pending;      // the beginning of a line, shorter than a piece
    std::string pieces_time;  // of the first piece of a line that is being written in pieces; else empty
  };
  void take_pieces(Channel channel, State& state);
  void emit(Channel channel, std::string_view text, bool newline, std::string_view time);
  void end_line(Channel channel, State& state, std::string_view rest);
  const std::string& time();
  void flush();

  LogFile file_;
  std::array<State, 2> states_;
  std::string batch_;
  std::string time_;  // of this append(); empty: not looked at yet
};

}  // namespace hull::shim
