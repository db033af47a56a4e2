// SPDX-License-Identifier: Apache-2.0
#include "shim/stream_client.h"

#include "base/clock.h"
#include "linux/stream_io.h"

namespace hull::shim {

namespace {

constexpr std::int64_t kFlushMilliseconds = 10'000;
constexpr std::int64_t kLingerMilliseconds = 1'000;

std::int64_t now_milliseconds() { return monotonic_nanoseconds() / 1'000'000; }

}  // namespace

StreamClient::StreamClient(EventLoop& loop, Stream stream, Listener listener)
    : loop_(loop), stream_(std::move(stream)), listener_(std::move(listener)), detach_keys_(stream_.detach_keys) {
  watch_ = loop_.watch(stream_.socket.get(), EPOLLIN | EPOLLRDHUP, [this](std::uint32_t events) { ready(events); });
}

StreamClient::~StreamClient() { drop(); }

bool StreamClient::wants(Channel channel) const {
  return state_ == State::kOpen && (channel == Channel::kOut ? stream_.out : stream_.err);
}

void StreamClient::send(Channel channel, std::string_view output) {
  if (state_ != State::kOpen) return;
  if (!stream_.multiplexed) return push({}, output);
  auto header = frame_header(channel, output.size());
  push({header.data(), header.size()}, output);
}

// Straight from the caller's buffer as far as the socket takes it; only the rest is copied.
void StreamClient::push(std::string_view header, std::string_view output) {
  if (sent_ == pending_.size()) {
    auto result = header.empty() ? linux::try_send(stream_.socket.get(), output)
                                 : linux::try_send(stream_.socket.get(), header, output);
    if (result.status == linux::IoStatus::kEnd || result.status == linux::IoStatus::kFailed) return lose_output();
    progress_ = now_milliseconds();
    std::size_t in_header = std::min(result.bytes, header.size());
    header.remove_prefix(in_header);
    output.remove_prefix(result.bytes - in_header);
    if (output.empty()) return;
    pending_.clear();
    sent_ = 0;
  }
  pending_ += header;
  pending_ += output;
  update_events();
}

std::int64_t StreamClient::stalled_for() const { return sent_ == pending_.size() ? 0 : now_milliseconds() - progress_; }

void StreamClient::flush() {
  while (sent_ < pending_.size()) {
    auto result = linux::try_send(stream_.socket.get(), std::string_view(pending_).substr(sent_));
    if (result.status == linux::IoStatus::kWouldBlock) return;
    if (result.status != linux::IoStatus::kDone) return lose_output();
    sent_ += result.bytes;
    progress_ = now_milliseconds();
  }
  pending_ = {};
  sent_ = 0;
}

// Nobody takes the output any more. What the client sent before it went is still the process's.
void StreamClient::lose_output() {
  stream_.out = stream_.err = false;
  pending_ = {};
  sent_ = 0;
  if (!stream_.in || input_ended_ || state_ != State::kOpen) drop();
}

void StreamClient::ready(std::uint32_t events) {
  if (events & EPOLLOUT) flush();
  if (!closed() && (events & (EPOLLIN | EPOLLRDHUP))) receive();
  if (!closed() && (events & (EPOLLHUP | EPOLLERR))) {
    hung_up_ = true;
    lose_output();
  }
  advance();
  listener_.changed();
}

void StreamClient::receive() {
  if (input_ended_) return;
  std::array<char, 32 << 10> buffer;
  auto result = linux::try_receive(stream_.socket.get(), buffer);
  if (result.status == linux::IoStatus::kWouldBlock) return;
  if (result.status != linux::IoStatus::kDone) return end_input();
  if (state_ == State::kOpen && stream_.in) listener_.input(*this, {buffer.data(), result.bytes});
}

void StreamClient::end_input() {
  if (std::exchange(input_ended_, true)) return;
  if (state_ == State::kOpen && stream_.in) listener_.input(*this, {});
  if (!stream_.out && !stream_.err) begin_closing();
}

void StreamClient::take_input(bool wanted) {
  input_wanted_ = wanted;
  update_events();
}

void StreamClient::begin_closing() {
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  deadline_ = loop_.after(kFlushMilliseconds, [this] {
    drop();
    listener_.changed();
  });
  flush();
  advance();
}

void StreamClient::advance() {
  if (state_ == State::kClosing && sent_ == pending_.size()) {
    state_ = State::kLingering;
    linux::shut_down_writing(stream_.socket.get());
    loop_.cancel(deadline_);
    deadline_ = loop_.after(kLingerMilliseconds, [this] {
      drop();
      listener_.changed();
    });
  }
  if (state_ == State::kLingering && input_ended_) drop();
  update_events();
}

void StreamClient::update_events() {
  if (closed()) return;
  // A hang-up cannot be masked: while its input has to wait, the dead connection is not watched at all.
  if (hung_up_ && !input_wanted_ && state_ == State::kOpen) return loop_.pause(watch_);
  std::uint32_t events = 0;
  // A client that is not to be read still shows that it is gone (EPOLLHUP).
  if (!input_ended_ && (input_wanted_ || state_ != State::kOpen)) events |= EPOLLIN | EPOLLRDHUP;
  if (sent_ < pending_.size()) events |= EPOLLOUT;
  loop_.change(watch_, events);
}

void StreamClient::drop() {
  if (closed()) return;
  state_ = State::kClosed;
  loop_.cancel(watch_);
  loop_.cancel(deadline_);
  stream_.socket.reset();
  pending_ = {};
  sent_ = 0;
  // A client that vanishes has ended its input, too.
  if (!std::exchange(input_ended_, true) && stream_.in && listener_.input) listener_.input(*this, {});
}

}  // namespace hull::shim
