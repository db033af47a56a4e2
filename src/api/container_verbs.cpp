// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/terminal_size.h"
#include "base/error.h"

// The verbs on one container that answer with nothing but a status.
namespace hull::api {

namespace {

constexpr std::size_t kTolerated = 7;  // bytes of a body of start: "{}", "null" and the like

std::optional<int> timeout_of(const Call& call) {
  auto value = call.query.integer("t");
  if (!value) return std::nullopt;
  if (*value > INT32_MAX || *value < INT32_MIN) fail_invalid("invalid value for t: ", *value, " is out of range");
  return static_cast<int>(*value);
}

std::string signal_of(const Call& call) { return call.since(42) ? call.query.get("signal") : ""; }

}  // namespace

void start_container(Call& call) {
  // Once upon a time a HostConfig could be given at start: refused, so that nobody believes in its effect.
  if (call.request.chunked_body || call.request.content_length > kTolerated)
    fail_invalid("starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24");
  if (std::string checkpoint = call.query.get("checkpoint"); !checkpoint.empty()) {
    call.engine.start_from(call.parameter("name"), {checkpoint, call.query.get("checkpoint-dir")});
    return call.send_empty(204);
  }
  std::optional<std::string> keys;
  if (call.query.has("detachKeys")) keys = call.query.get("detachKeys");
  call.engine.start(call.parameter("name"), keys);
  call.send_empty(204);
}

// A client that goes away does not change its mind by that: the stop goes on.
void stop_container(Call& call) {
  call.engine.stop(call.parameter("name"), timeout_of(call), signal_of(call), {});
  call.send_empty(204);
}

void restart_container(Call& call) {
  call.engine.restart(call.parameter("name"), timeout_of(call), signal_of(call));
  call.send_empty(204);
}

void kill_container(Call& call) {
  std::string signal = call.query.get("signal");
  call.engine.kill(call.parameter("name"), signal.empty() ? "KILL" : signal);
  call.send_empty(204);
}

void pause_container(Call& call) {
  call.engine.pause(call.parameter("name"));
  call.send_empty(204);
}

void unpause_container(Call& call) {
  call.engine.unpause(call.parameter("name"));
  call.send_empty(204);
}

void rename_container(Call& call) {
  call.engine.rename(call.parameter("name"), call.query.get("name"));
  call.send_empty(204);
}

void resize_container(Call& call) {
  std::uint32_t height = terminal_size(call.query, "h", "height"), width = terminal_size(call.query, "w", "width");
  call.engine.resize(call.parameter("name"), height, width);
  call.send_empty(200);
}

void remove_container(Call& call) {
  container::RemoveOptions options;
  options.force = call.query.flag("force");
  options.volumes = call.query.flag("v");
  options.link = call.query.flag("link");
  call.engine.remove(call.parameter("name"), options);
  call.send_empty(204);
}

}  // namespace hull::api
