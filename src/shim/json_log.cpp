// SPDX-License-Identifier: Apache-2.0
#include "shim/json_log.h"

#include "base/clock.h"
#include "shim/json_text.h"

namespace hull::shim {

namespace {

constexpr std::size_t kPiece = 16 << 10;  // Docker's
constexpr std::size_t kKeptBatch = 4 << 10;

std::size_t index_of(Channel channel) { return channel == Channel::kOut ? 0 : 1; }

}  // namespace

const std::string& JsonLog::time() {
  if (time_.empty()) time_ = format_rfc3339(now());
  return time_;
}

void JsonLog::emit(Channel channel, std::string_view text, bool newline, std::string_view time) {
  if (file_.full_with(batch_.size())) {
    flush();
    file_.rotate();
  }
  batch_ += R"({"log":")";
  append_json_text(batch_, text);
  if (newline) batch_ += "\\n";
  batch_ += channel == Channel::kOut ? R"(","stream":"stdout","time":")" : R"(","stream":"stderr","time":")";
  batch_ += time;
  batch_ += "\"}\n";
}

// Writes pieces while there are whole ones.
void JsonLog::take_pieces(Channel channel, State& state) {
  std::string_view rest = state.pending;
  while (rest.size() >= kPiece) {
    if (state.pieces_time.empty()) state.pieces_time = time();
    // Docker cuts characters in two here and damages them; the joined text is the same otherwise.
    std::size_t size = whole_characters(rest.substr(0, kPiece));
    emit(channel, rest.substr(0, size), false, state.pieces_time);
    rest.remove_prefix(size);
  }
  if (rest.size() != state.pending.size()) state.pending.erase(0, state.pending.size() - rest.size());
}

void JsonLog::end_line(Channel channel, State& state, std::string_view rest) {
  if (state.pending.empty() && state.pieces_time.empty() && rest.size() < kPiece) {  // nearly every line
    emit(channel, rest, true, time());
    return;
  }
  state.pending += rest;
  take_pieces(channel, state);
  emit(channel, state.pending, true, state.pieces_time.empty() ? time() : state.pieces_time);
  state = {};
}

void JsonLog::append(Channel channel, std::string_view output) {
  State& state = states_[index_of(channel)];
  time_.clear();
  for (;;) {
    auto newline = output.find('\n');
    if (newline == output.npos) break;
    end_line(channel, state, output.substr(0, newline));
    output.remove_prefix(newline + 1);
  }
  state.pending += output;
  take_pieces(channel, state);
  flush();
}

void JsonLog::finish(Channel channel) {
  State& state = states_[index_of(channel)];
  time_.clear();
  if (!state.pending.empty())
    emit(channel, state.pending, false, state.pieces_time.empty() ? time() : state.pieces_time);
  state = {};
  flush();
}

void JsonLog::flush() {
  if (!batch_.empty()) file_.write(batch_);
  batch_.clear();
}

void JsonLog::trim() {
  if (batch_.capacity() > kKeptBatch) batch_ = {};
  for (State& state : states_) state.pending.shrink_to_fit();
}

}  // namespace hull::shim
