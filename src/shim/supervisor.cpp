// SPDX-License-Identifier: Apache-2.0
#include "shim/supervisor.h"

#include <malloc.h>

#include <algorithm>

#include "base/log.h"
#include "base/wire.h"
#include "linux/cgroup.h"
#include "linux/own_process.h"
#include "linux/pidfd.h"
#include "shim/relay_message.h"

namespace hull::shim {

Supervisor::Supervisor(UniqueFd engine, std::optional<int> oom_score)
    : engine_(loop_, std::move(engine),
              {[this](EngineLink::Connection from, Message message) { on_request(from, std::move(message)); },
               [this] { on_subscriber_lost(); }}),
      oom_score_(oom_score) {}

Supervisor::~Supervisor() = default;

namespace {

// What every start has to know of the machine: read while nobody waits for it.
void read_ahead() noexcept {
  try {
    linux::cgroup_facts();
  } catch (const Error&) {
    // The start tries again, and has somebody to tell it to.
  }
}

}  // namespace

int Supervisor::run() {
  read_ahead();
  loop_.watch(linux::notify_of_ended_children(), EPOLLIN, [this](std::uint32_t) {
    linux::clear_ended_children();
    reap();
  });
  loop_.on_quiet([this] {
    buffer_.release();
    if (log_) log_->trim();
    ::malloc_trim(0);
  });
  loop_.run();
  return exit_code_;
}

// A shim that waits in the engine's pool ends with the engine; one that has a container goes on alone.
void Supervisor::on_subscriber_lost() {
  if (!running_ && !ended_) loop_.stop();
  for (Exec& exec : execs_)
    if (exec.pid < 0) close_exec(exec);
  if (ended_) tidy();
}

void Supervisor::on_request(EngineLink::Connection connection, Message message) {
  try {
    dispatch(connection, message);
  } catch (const std::exception& e) {
    engine_.answer(connection, MessageKind::kFailed, describe_failure(e));
  }
}

void Supervisor::dispatch(EngineLink::Connection connection, Message& message) {
  if (message.kind == MessageKind::kStart) return start(connection, std::move(message));
  if (message.kind == MessageKind::kAcknowledge) return on_acknowledged(wire::decode<ExecValue>(message.body).id);
  if (!running_) fail(Kind::kConflict, "the container is not running");
  switch (message.kind) {
    case MessageKind::kSubscribe: return subscribe(connection);
    case MessageKind::kExec: return exec(connection, std::move(message));
    case MessageKind::kAttach: {
      auto sent = wire::decode<StreamMessage>(message.body);
      if (message.descriptors.size() != 1) fail(Kind::kInternal, "an attach message came without its socket");
      engine_.answer(connection, MessageKind::kDone, {});
      streams_->attach({std::move(message.descriptors[0]), sent.in, sent.out, sent.err, sent.multiplexed,
                        std::move(sent.detach_keys), std::move(sent.early_input)});
      return;
    }
    case MessageKind::kResize: {
      auto size = wire::decode<ExecValue>(message.body);
      streams_of(size.id).resize(static_cast<std::uint16_t>(size.first), static_cast<std::uint16_t>(size.second));
      break;
    }
    case MessageKind::kSignalExec: {
      auto signal = wire::decode<ExecValue>(message.body);
      Exec* exec = find_exec(signal.id);
      if (!exec || exec->pid < 0) fail(Kind::kConflict, "the exec ", signal.id, " is not running");
      // Our own child, reaped by nobody else: the number cannot be another process's.
      if (auto pidfd = linux::open_pidfd(exec->pid)) linux::signal_pidfd(pidfd->get(), static_cast<int>(signal.first));
      break;
    }
    case MessageKind::kRelay: relay(message); break;
    default: fail(Kind::kInternal, "the shim was asked for something that it does not know");
  }
  engine_.answer(connection, MessageKind::kDone, {});
}

void Supervisor::relay(Message& message) {
  auto sent = wire::decode<RelayMessage>(message.body);
  std::vector<Relay> relays;
  std::size_t next = 0;
  for (RelayPort& port : sent.relays) {
    if (port.has_listener && next == message.descriptors.size())
      fail(Kind::kInternal, "a relay message came without a socket");
    relays.push_back({std::move(port.host), std::move(port.target),
                      port.has_listener ? std::move(message.descriptors[next++]) : UniqueFd()});
  }
  if (!relays_) relays_ = std::make_unique<Relays>(loop_, buffer_);
  relays_->replace(std::move(relays));
}

Supervisor::Exec* Supervisor::find_exec(const std::string& exec_id) {
  auto found = std::ranges::find(execs_, exec_id, &Exec::id);
  return found == execs_.end() ? nullptr : &*found;
}

Streams& Supervisor::streams_of(const std::string& exec_id) {
  if (exec_id.empty()) return *streams_;
  Exec* exec = find_exec(exec_id);
  if (!exec || exec->pid < 0) fail(Kind::kConflict, "the exec ", exec_id, " is not running");
  return *exec->streams;
}

std::string describe_failure(const std::exception& error) {
  FailedMessage message;
  message.message = error.what();
  if (auto* known = dynamic_cast<const Error*>(&error)) {
    message.kind = known->kind();
    message.code = known->code();
    message.operation = known->operation();
  }
  if (auto* start = dynamic_cast<const runtime::StartError*>(&error)) {
    message.is_start_error = true;
    message.failure = start->failure();
  }
  return wire::encode(message);
}

}  // namespace hull::shim
