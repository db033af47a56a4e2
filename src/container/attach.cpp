// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "container/engine_impl.h"
#include "container/normalize.h"
#include "shim/channel.h"

namespace hull::container {

namespace {

// Between the head of the answer and the hand-over of the stream: a start waits for it. Not while a log is replayed,
// which takes as long as the client likes.
class Promise {
 public:
  Promise(Live& container, bool wanted) : container_(container), held_(wanted) { add(1); }
  ~Promise() { keep(); }
  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;
  void keep() {
    add(-1);
    held_ = false;
  }

 private:
  void add(int change) {
    if (!held_) return;
    std::scoped_lock lock(container_.mutex);
    container_.attaching += change;
    container_.changed.notify_all();
  }
  Live& container_;
  bool held_;
};

void refuse_unattachable(const State& state) {
  if (state.status == Status::kPaused)
    fail(Kind::kConflict, "container ", state.id, " is paused, unpause the container before attach");
  if (state.status == Status::kRestarting)
    fail(Kind::kConflict, "container ", state.id, " is restarting, wait until the container is running");
}

}  // namespace

void Engine::attach(std::string_view name, AttachRequest request) {
  auto container = impl_->registry.get(name);
  auto state = container->state();
  refuse_unattachable(*state);
  const Config& config = state->spec->config;
  std::string keys;
  if (request.detach_keys && !request.detach_keys->empty())
    keys = parse_detach_keys(*request.detach_keys);
  else if (config.tty)
    keys = kDefaultDetachKeys;

  Promise promise(*container, !request.logs);
  shim::Stream stream = request.take_stream(config.tty);
  stream.in = request.in && config.open_stdin;
  stream.out = request.out;
  stream.err = request.err;
  stream.detach_keys = keys;
  if (request.logs) {
    LogQuery query;
    query.out = request.out;
    query.err = request.err;
    LogReceiver receiver;
    receiver.line = [&](const LogLine& line) {
      auto channel = line.is_stderr ? shim::Channel::kErr : shim::Channel::kOut;
      write_all(stream.socket.get(), stream.multiplexed ? shim::framed(channel, line.text) : line.text);
    };
    logs(state->id, query, receiver, {});
  }
  impl_->publish(*state, "attach");
  if (!request.stream) return;

  std::shared_ptr<shim::Client> shim;
  {
    std::unique_lock lock(container->mutex);
    container->changed.wait(lock, [&] { return !container->starting; });
    if (container->removed) return;
    shim = container->shim;
    if (!shim) {
      container->pending_streams.push_back(std::move(stream));  // the start takes it along
      return;
    }
  }
  promise.keep();
  shim->attach(std::move(stream));
}

void Engine::resize(std::string_view name, std::uint32_t height, std::uint32_t width) {
  auto container = impl_->registry.get(name);
  auto state = container->state();
  require_running(*state);
  std::shared_ptr<shim::Client> shim;
  {
    std::scoped_lock lock(container->mutex);
    shim = container->shim;
  }
  if (!shim) fail(Kind::kConflict, "container ", state->id, " is not running");
  shim->resize(static_cast<std::uint16_t>(height), static_cast<std::uint16_t>(width));
  impl_->publish(*state, "resize", {{"height", cat(height)}, {"width", cat(width)}});
}

}  // namespace hull::container
