// SPDX-License-Identifier: Apache-2.0
#include "shim/shim_link.h"

#include <sys/epoll.h>

#include "base/log.h"
#include "base/wire.h"
#include "linux/pidfd.h"
#include "linux/stream_io.h"
#include "shim/messages.h"

namespace hull::shim {

ShimLink::ShimLink(linux::Reactor& reactor, std::string directory, UniqueFd socket, UniqueFd pidfd, Events events)
    : reactor_(reactor),
      directory_(std::move(directory)),
      socket_(std::move(socket)),
      pidfd_(std::move(pidfd)),
      events_(std::move(events)) {}

Message receive_answer(int socket, MessageReader& reader) {
  auto answer = reader.next(socket, MessageReader::Waiting::kYes);
  if (!answer) fail(Kind::kInternal, "the shim of the container ended unexpectedly");
  if (answer->kind != MessageKind::kFailed) return std::move(*answer);
  auto failed = wire::decode<FailedMessage>(answer->body);
  if (failed.is_start_error) throw runtime::StartError(std::move(failed.failure));
  throw Error(failed.kind, std::move(failed.message), failed.code, std::move(failed.operation));
}

Message ShimLink::ask(MessageKind kind, std::string_view body, std::span<const int> descriptors) {
  try {
    send_message(socket_.get(), kind, body, descriptors);
  } catch (const Error& e) {
    throw e.within("the shim of the container does not listen");
  }
  return receive_answer(socket_.get(), reader_);
}

Message ShimLink::subscribe(int timeout_ms) {
  send_message(socket_.get(), MessageKind::kSubscribe, {});
  if (!linux::readable_within(socket_.get(), timeout_ms))
    fail(Kind::kUnavailable, "the shim in ", directory_, " does not answer; is its process stopped?");
  return receive_answer(socket_.get(), reader_);
}

void ShimLink::watch() {
  std::lock_guard lock(mutex_);
  if (unwatched_) return;
  watch_ = reactor_.watch(socket_.get(), EPOLLIN | EPOLLRDHUP,
                          [self = shared_from_this()](std::uint32_t) { self->readable(); });
}

void ShimLink::unwatch() {
  linux::Reactor::Id watch, end_watch;
  {
    std::lock_guard lock(mutex_);
    unwatched_ = true;
    watch = std::exchange(watch_, 0);
    end_watch = std::exchange(end_watch_, 0);
  }
  reactor_.cancel(watch);
  reactor_.cancel(end_watch);
  // connection_ended() may have made this one while the first was cancelled.
  {
    std::lock_guard lock(mutex_);
    end_watch = std::exchange(end_watch_, 0);
  }
  reactor_.cancel(end_watch);
  std::lock_guard lock(mutex_);
  if (!notes_follow_.exchange(false)) return;
  notes_watch_ = reactor_.watch(socket_.get(), EPOLLIN | EPOLLRDHUP,
                                [self = shared_from_this()](std::uint32_t) { self->read_notes(); });
}

// Until the shim ends, or sends what it should not.
void ShimLink::read_notes() {
  try {
    while (auto message = reader_.next(socket_.get(), MessageReader::Waiting::kNo))
      if (message->kind == MessageKind::kNote) deliver(*message);
    if (!reader_.ended()) return;
  } catch (const Error& e) {
    log::warn("the shim in ", directory_, ": ", e.message());
  }
  std::lock_guard lock(mutex_);
  reactor_.cancel(std::exchange(notes_watch_, 0));
}

void ShimLink::readable() {
  try {
    while (auto message = reader_.next(socket_.get(), MessageReader::Waiting::kNo)) deliver(*message);
  } catch (const Error& e) {
    log::warn("the shim in ", directory_, ": ", e.message());
    return connection_ended();
  }
  if (reader_.ended()) connection_ended();
}

void ShimLink::deliver(const Message& message) {
  switch (message.kind) {
    case MessageKind::kExited: {
      auto exit = wire::decode<ExitedMessage>(message.body);
      exited_ = true;
      if (events_.exited) events_.exited({exit.code, exit.oom_killed, Timestamp{exit.at}});
      return;
    }
    case MessageKind::kExecExited: {
      auto exit = wire::decode<ExecValue>(message.body);
      if (events_.exec_exited) events_.exec_exited(exit.id, {static_cast<int>(exit.first), exit.second != 0});
      // Only now: it lets the shim close the clients' streams, and they ask for the exit code at once.
      return send_message(socket_.get(), MessageKind::kAcknowledge, wire::encode(ExecValue{exit.id}));
    }
    case MessageKind::kOutOfMemory:
      if (events_.out_of_memory) events_.out_of_memory();
      return;
    case MessageKind::kDetached:
      if (events_.detached) events_.detached(wire::decode<ExecValue>(message.body).id);
      return;
    case MessageKind::kHooksFollow: notes_follow_ = true; return;
    case MessageKind::kNote: log::warn(directory_, ": ", wire::decode<NoteMessage>(message.body).text); return;
    default: log::warn("the shim in ", directory_, " sent something unknown");
  }
}

// The end of the connection alone does not mean the end of the shim: that is what the pidfd says.
void ShimLink::connection_ended() {
  std::lock_guard lock(mutex_);
  reactor_.cancel(std::exchange(watch_, 0));
  if (unwatched_ || exited_) return;
  end_watch_ =
      reactor_.watch(pidfd_.get(), EPOLLIN, [self = shared_from_this()](std::uint32_t) { self->shim_ended(); });
}

void ShimLink::shim_ended() {
  {
    std::lock_guard lock(mutex_);
    reactor_.cancel(std::exchange(end_watch_, 0));
    if (unwatched_) return;
  }
  exited_ = true;
  if (auto record = read_exit_record(directory_)) {
    if (events_.exited) events_.exited(*record);
  } else if (events_.lost) {
    events_.lost();
  }
}

}  // namespace hull::shim
