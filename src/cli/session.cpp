// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/file.h"
#include "cli/output.h"
#include "cli/terminal.h"

namespace hull::cli {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

// The signals of a session. Left out: what cannot be caught, faults of our own, and job control of the shell.
sigset_t session_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGCONT})
    ::sigaddset(&set, signal);
  return set;
}

class Session {
 public:
  Session(Client& client, const SessionPlan& plan) : client_(client), plan_(plan), keys_(plan.detach_keys) {}

  SessionEnd run() {
    sigset_t signals = session_signals();
    signals_ = UniqueFd(check(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd"));
    if (plan_.tty && plan_.input) raw_.emplace(STDIN_FILENO);
    if (plan_.tty) resize(plan_.redraw);
    reading_input_ = plan_.input && plan_.stream;
    streaming_ = plan_.stream != nullptr;
    waiting_ = plan_.wait != nullptr;
    if (streaming_) receive(plan_.stream->take_buffered());
    while (streaming_ || waiting_) step();
    return end_;
  }

 private:
  void step() {
    // Bytes that were read together with the head of wait's answer would never wake the poll.
    if (waiting_ && plan_.wait->has_buffered()) return finish_wait();
    std::array<pollfd, 4> fds{{
        {signals_.get(), POLLIN, 0},
        {streaming_ ? plan_.stream->fd() : -1, static_cast<short>(POLLIN | (pending_.empty() ? 0 : POLLOUT)), 0},
        {reading_input_ && pending_.empty() ? STDIN_FILENO : -1, POLLIN, 0},
        {waiting_ ? plan_.wait->fd() : -1, POLLIN, 0},
    }};
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR) return;
      throw_errno("poll");
    }
    if (fds[0].revents) handle_signals();
    if (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) receive_some();
    if (streaming_ && (fds[1].revents & POLLOUT)) send_pending();
    if (streaming_ && fds[2].revents) read_input();
    if (waiting_ && fds[3].revents) finish_wait();
  }

  void handle_signals() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      int number = static_cast<int>(info.ssi_signo);
      if (number == SIGWINCH) {
        if (plan_.tty) resize(false);
      } else if (number == SIGCONT) {
        continue;
      } else if (plan_.kill_path.empty()) {
        throw Exit(128 + number);
      } else {
        try {
          client_.post(cat(plan_.kill_path, number));
        } catch (const Error&) {
          // The container is gone already, and so is whoever the signal was for.
        }
      }
    }
  }

  void resize(bool redraw) {
    WindowSize size = window_size(STDOUT_FILENO);
    if (!size.rows || !size.columns || plan_.resize_path.empty()) return;
    try {
      if (redraw) client_.post(cat(plan_.resize_path, "?h=", size.rows + 1, "&w=", size.columns + 1));
      client_.post(cat(plan_.resize_path, "?h=", size.rows, "&w=", size.columns));
    } catch (const Refused&) {
      // The process may have ended; the stream will tell.
    }
  }

  void receive_some() {
    char piece[kPiece];
    ssize_t got = ::recv(plan_.stream->fd(), piece, sizeof piece, MSG_DONTWAIT);
    if (got > 0) return receive({piece, static_cast<std::size_t>(got)});
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    end_stream();
  }

  void end_stream() {
    streaming_ = reading_input_ = false;
    // The shell's own line editing is wanted again while we wait for the rest.
    if (raw_) raw_->restore();
  }

  void receive(std::string_view data) {
    if (data.empty()) return;
    if (plan_.tty) return print(data);
    frames_.feed(data, [&](int stream, std::string_view bytes) {
      if (stream == 3)
        complain(bytes);
      else if (stream == 2 && plan_.errors)
        write_all(STDERR_FILENO, bytes);
      else if (stream != 2 && plan_.output)
        print(bytes);
    });
  }

  void read_input() {
    char piece[kPiece];
    ssize_t got = ::read(STDIN_FILENO, piece, sizeof piece);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) {
      reading_input_ = false;
      ::shutdown(plan_.stream->fd(), SHUT_WR);
      return;
    }
    std::string_view typed(piece, static_cast<std::size_t>(got));
    pending_ = plan_.tty ? keys_.filter(typed, end_.detached) : std::string(typed);
    send_pending();
    if (end_.detached) streaming_ = waiting_ = reading_input_ = false;
  }

  void send_pending() {
    while (!pending_.empty()) {
      ssize_t sent = ::send(plan_.stream->fd(), pending_.data(), pending_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) return;
      if (sent < 0) {
        // The container reads no more. Its output may still be on the way.
        pending_.clear();
        reading_input_ = false;
        return;
      }
      pending_.erase(0, static_cast<std::size_t>(sent));
    }
  }

  void finish_wait() {
    waiting_ = false;
    std::string body = plan_.wait->read_body();
    Value answer = parse_value(body);
    end_.status = static_cast<int>(answer["StatusCode"].integer());
    end_.error = answer["Error"]["Message"].text();
  }

  Client& client_;
  const SessionPlan& plan_;
  DetachKeys keys_;
  Demultiplexer frames_;
  UniqueFd signals_;
  std::optional<RawTerminal> raw_;
  std::string pending_;  // read from standard input, not yet taken by the engine
  bool reading_input_ = false, streaming_ = false, waiting_ = false;
  SessionEnd end_;
};

}  // namespace

std::size_t Demultiplexer::length(const std::string& header) {
  std::size_t size = 0;
  for (std::size_t i = 4; i < 8; ++i) size = size << 8 | static_cast<unsigned char>(header[i]);
  return size;
}

DetachKeys::DetachKeys(const std::string& keys) {
  for (std::string_view key : split(keys.empty() ? "ctrl-p,ctrl-q" : std::string_view(keys), ',')) {
    if (key.size() == 1) {
      keys_ += key;
    } else if (key.size() == 6 && key.starts_with("ctrl-")) {
      auto position = std::string_view("@abcdefghijklmnopqrstuvwxyz[\\]^_").find(key[5]);
      if (position == std::string_view::npos) fail_invalid("Unknown character: '", key, "'");
      keys_ += static_cast<char>(position);
    } else {
      fail_invalid("Unknown character: '", key, "'");
    }
  }
}

std::string DetachKeys::filter(std::string_view typed, bool& detached) {
  std::string out;
  for (char c : typed) {
    if (c != keys_[matched_]) {
      out.append(keys_, 0, matched_);
      matched_ = 0;
    }
    if (c != keys_[matched_]) {
      out += c;
    } else if (++matched_ == keys_.size()) {
      detached = true;
      return out;
    }
  }
  return out;
}

void hold_signals() {
  sigset_t signals = session_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
}

SessionEnd run_session(Client& client, const SessionPlan& plan) { return Session(client, plan).run(); }

void check_input_terminal(bool input, bool tty) {
  if (input && tty && !is_terminal(STDIN_FILENO)) throw Exit(1, "the input device is not a TTY");
}

}  // namespace hull::cli
