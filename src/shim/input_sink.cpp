// SPDX-License-Identifier: Apache-2.0
#include "shim/input_sink.h"

#include "linux/stream_io.h"

namespace hull::shim {

InputSink::InputSink(EventLoop& loop, UniqueFd fd, std::function<void()> drained)
    : loop_(loop), fd_(std::move(fd)), drained_(std::move(drained)) {}

InputSink::~InputSink() { close(); }

void InputSink::write(std::string_view input) {
  if (!open() || ending_ || input.empty()) return;
  if (pending_.empty()) {
    auto result = linux::try_write(fd_.get(), input);
    if (result.status == linux::IoStatus::kEnd || result.status == linux::IoStatus::kFailed) return close();
    input.remove_prefix(result.bytes);
    if (input.empty()) return;
    watch_ = loop_.watch(fd_.get(), EPOLLOUT, [this](std::uint32_t) { flush(); });
  }
  pending_ += input;
}

void InputSink::flush() {
  auto result = linux::try_write(fd_.get(), pending_);
  if (result.status == linux::IoStatus::kWouldBlock) return;
  if (result.status == linux::IoStatus::kDone) pending_.erase(0, result.bytes);
  if (result.status != linux::IoStatus::kDone) {
    close();
  } else if (pending_.empty()) {
    loop_.cancel(std::exchange(watch_, 0));
    pending_ = {};
    if (ending_) close();
  }
  if (pending_.empty()) drained_();
}

void InputSink::end() {
  ending_ = true;
  if (pending_.empty()) close();
}

void InputSink::close() {
  if (watch_) loop_.cancel(std::exchange(watch_, 0));
  fd_.reset();
  pending_ = {};
}

}  // namespace hull::shim
