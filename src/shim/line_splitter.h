// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "shim/log_sink.h"

namespace hull::shim {

// Cuts output into lines, as Docker does: a line of 16 KiB or more comes in pieces, which carry the time of the first,
// one id, and a number each. All lines of one append() have one time: one look at the clock.
class LineSplitter {
 public:
  // `sink` outlives the splitter.
  explicit LineSplitter(LogSink& sink) : sink_(sink) {}

  void append(Channel channel, std::string_view output);
  // The stream has ended: a last line without newline is given as it is.
  void finish(Channel channel);
  void trim();

 private:
  struct State {
    std::string pending;     // the beginning of a line, shorter than a piece
    std::string partial_id;  // of a line that is being given in pieces; else empty
    int pieces = 0;
    Timestamp time;  // of the first piece
  };
  void take_pieces(Channel channel, State& state);
  void end_line(Channel channel, State& state, std::string_view rest);
  void give_piece(Channel channel, State& state, std::string_view text, bool newline);
  Timestamp time();

  LogSink& sink_;
  std::array<State, 2> states_;
  Timestamp time_;  // of this append(); never: not looked at yet
};

}  // namespace hull::shim
