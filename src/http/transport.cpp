// SPDX-License-Identifier: Apache-2.0
#include "http/transport.h"

#include <sys/epoll.h>

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "linux/server_socket.h"

namespace hull::http {

namespace {

using namespace std::chrono_literals;
constexpr std::int64_t kLinger = 2'000'000'000;  // nanoseconds

}  // namespace

std::size_t Transport::read(void* buffer, std::size_t size) {
  try {
    for (;;) {
      if (auto got = linux::receive_some(socket_.get(), buffer, size)) return *got;
      if (linux::wait_for(socket_.get(), false, interrupt_, patience_now()) != linux::Wakeup::kReady) return 0;
    }
  } catch (const Error&) {
    return 0;  // the connection was reset
  }
}

void Transport::set_time_limit(std::chrono::nanoseconds limit) { deadline_ = monotonic_nanoseconds() + limit.count(); }

std::chrono::milliseconds Transport::patience_now() const {
  if (deadline_ == 0) return read_patience_;
  return std::min(read_patience_, std::chrono::milliseconds(
                                      std::max<std::int64_t>(0, deadline_ - monotonic_nanoseconds()) / 1'000'000));
}

linux::Wakeup Transport::wait_readable(std::chrono::milliseconds patience) const {
  return linux::wait_for(socket_.get(), false, interrupt_, patience);
}

void Transport::write(std::string_view data) {
  try {
    while (!data.empty()) {
      if (auto sent = linux::send_some(socket_.get(), data.data(), data.size()))
        data.remove_prefix(*sent);
      else if (linux::wait_for(socket_.get(), true, interrupt_, write_patience_) != linux::Wakeup::kReady)
        fail(Kind::kCancelled, "the client takes no data");
    }
  } catch (const Error& e) {
    fail(Kind::kCancelled, "the client went away: ", e.message());
  }
}

void Transport::write_file(int file, std::uint64_t offset, std::uint64_t size) {
  try {
    while (size > 0) {
      auto sent = linux::send_file_some(socket_.get(), file, offset, size);
      if (!sent) {
        if (linux::wait_for(socket_.get(), true, interrupt_, write_patience_) != linux::Wakeup::kReady)
          fail(Kind::kCancelled, "the client takes no data");
      } else if (*sent == 0) {
        fail(Kind::kCancelled, "the file is shorter than what was promised");
      } else {
        offset += *sent;
        size -= *sent;
      }
    }
  } catch (const Error& e) {
    fail(Kind::kCancelled, "the client went away: ", e.message());
  }
}

void Transport::close_gently() {
  linux::end_writing(socket_.get());
  set_read_patience(200ms);
  char waste[16384];
  std::int64_t deadline = monotonic_nanoseconds() + kLinger;
  while (monotonic_nanoseconds() < deadline && read(waste, sizeof waste) > 0) continue;
  socket_.reset();
}

HangUpWatch::HangUpWatch(int fd, linux::Reactor& reactor, std::stop_token stopping)
    : reactor_(reactor), on_server_stop_(std::move(stopping), Pass{shared_}) {
  shared_->id = reactor.watch(fd, EPOLLRDHUP | EPOLLHUP | EPOLLERR, [&reactor, shared = shared_](std::uint32_t) {
    shared->source.request_stop();
    reactor.cancel(shared->id);  // level-triggered: once is enough. Not known yet: then it fires again.
  });
}

HangUpWatch::~HangUpWatch() { reactor_.cancel(shared_->id); }

}  // namespace hull::http
