// SPDX-License-Identifier: Apache-2.0
#include "shim/line_splitter.h"

#include "base/id.h"
#include "shim/json_text.h"

namespace hull::shim {

namespace {

constexpr std::size_t kPiece = 16 << 10;  // Docker's

std::size_t index_of(Channel channel) { return channel == Channel::kOut ? 0 : 1; }

}  // namespace

Timestamp LineSplitter::time() {
  if (time_.never()) time_ = now();
  return time_;
}

void LineSplitter::give_piece(Channel channel, State& state, std::string_view text, bool newline) {
  if (state.pieces++ == 0) {
    state.partial_id = random_hex(32);
    state.time = time();
  }
  sink_.write({channel, text, state.time, newline, state.partial_id, state.pieces});
}

// Gives pieces while there are whole ones.
void LineSplitter::take_pieces(Channel channel, State& state) {
  std::string_view rest = state.pending;
  while (rest.size() >= kPiece) {
    // Docker cuts characters in two here and damages them; the joined text is the same otherwise.
    std::size_t size = whole_characters(rest.substr(0, kPiece));
    give_piece(channel, state, rest.substr(0, size), false);
    rest.remove_prefix(size);
  }
  if (rest.size() != state.pending.size()) state.pending.erase(0, state.pending.size() - rest.size());
}

void LineSplitter::end_line(Channel channel, State& state, std::string_view rest) {
  if (state.pending.empty() && state.pieces == 0 && rest.size() < kPiece) {  // nearly every line
    sink_.write({channel, rest, time(), true, {}, 0});
    return;
  }
  state.pending += rest;
  take_pieces(channel, state);
  if (state.pieces > 0)
    give_piece(channel, state, state.pending, true);
  else
    sink_.write({channel, state.pending, time(), true, {}, 0});
  state = {};
}

void LineSplitter::append(Channel channel, std::string_view output) {
  State& state = states_[index_of(channel)];
  time_ = {};
  for (;;) {
    auto newline = output.find('\n');
    if (newline == output.npos) break;
    end_line(channel, state, output.substr(0, newline));
    output.remove_prefix(newline + 1);
  }
  state.pending += output;
  take_pieces(channel, state);
  sink_.flush();
}

void LineSplitter::finish(Channel channel) {
  State& state = states_[index_of(channel)];
  time_ = {};
  if (!state.pending.empty()) give_piece(channel, state, state.pending, false);
  state = {};
  sink_.flush();
}

void LineSplitter::trim() {
  for (State& state : states_) state.pending.shrink_to_fit();
}

}  // namespace hull::shim
