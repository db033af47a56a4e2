// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/client.h"

// The terminal session with a container: our standard streams on one side, a hijacked connection on the other.
namespace hull::cli {

// Takes the frames of Docker's multiplexed stream apart: 1 byte stream (1 output, 2 errors, 3 a message of the
// engine), 3 zeros, 4 bytes length (big endian), payload.
class Demultiplexer {
 public:
  // Calls write(stream, bytes) for the payload in `data`; frames may be cut anywhere between calls.
  template <class Write>
  void feed(std::string_view data, Write write) {
    while (!data.empty()) {
      if (left_ == 0) {
        std::size_t need = kHeader - header_.size(), count = std::min(need, data.size());
        header_.append(data.substr(0, count));
        data.remove_prefix(count);
        if (header_.size() < kHeader) return;
        left_ = length(header_);
        stream_ = header_[0];
        header_.clear();
        continue;
      }
      auto piece = data.substr(0, left_);
      write(static_cast<int>(stream_), piece);
      left_ -= piece.size();
      data.remove_prefix(piece.size());
    }
  }

 private:
  static constexpr std::size_t kHeader = 8;
  static std::size_t length(const std::string& header);
  std::string header_;
  std::size_t left_ = 0;
  char stream_ = 0;
};

// Watches typed bytes for the keys that detach (docker's "ctrl-p,ctrl-q" grammar).
class DetachKeys {
 public:
  // Throws Error{kInvalidArgument} for what names no keys; an empty text is the default.
  explicit DetachKeys(const std::string& keys);
  // Gives what is to be sent on. A sequence that began and was not finished is held back until it is decided.
  std::string filter(std::string_view typed, bool& detached);

 private:
  std::string keys_;
  std::size_t matched_ = 0;
};

struct SessionPlan {
  Connection* stream = nullptr;  // nullptr: there is nothing to stream
  Connection* wait = nullptr;    // its answer is the exit status; nullptr: ends with the stream
  bool input = false, output = true, errors = true, tty = false;
  std::string detach_keys;
  std::string resize_path;  // POST …/resize, for a terminal
  std::string kill_path;    // POST …/kill?signal=: signals that we get are passed on; empty: they end us
  bool redraw = false;      // make a full-screen program draw again
};

struct SessionEnd {
  bool detached = false;
  int status = 0;
  std::string error;  // what wait said beside the status
};

// Blocks the signals that a session handles by itself. Done before the container starts, so that none gets lost.
void hold_signals();

// Pumps until the stream has ended and wait has answered. The terminal is as before on every way out.
SessionEnd run_session(Client& client, const SessionPlan& plan);

// Throws Exit{1} when a terminal is wanted and standard input is none.
void check_input_terminal(bool input, bool tty);

}  // namespace hull::cli
