// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/container_shapes.h"
#include "api/handlers.h"
#include "api/log_writer.h"
#include "api/status.h"
#include "api/streams.h"
#include "base/error.h"
#include "linux/stream_io.h"
#include "oci/json.h"
#include "shim/channel.h"

namespace hull::api {

namespace {

constexpr std::size_t kLargestBody = 64 << 10;  // of attach: nobody reads it

container::LogQuery log_query(const Query& in) {
  container::LogQuery query;
  query.out = in.flag("stdout");
  query.err = in.flag("stderr");
  if (!query.out && !query.err) fail_invalid("must specify at least one of 'stdout' or 'stderr'");
  query.follow = in.flag("follow");
  query.timestamps = in.flag("timestamps");
  query.details = in.flag("details");
  query.since = in.time("since");
  query.until = in.time("until");
  query.tail = std::max<std::int64_t>(-1, parse_number<std::int64_t>(in.get("tail")).value_or(-1));
  return query;
}

// Errors of attach are for people at a raw connection: plain text.
void refuse_attach(Call& call, const Error& error, int status) {
  call.response.send(status, kRawStream, cat(error.message(), "\r\n"));
}

}  // namespace

// The docker SDK for Python reads the head of an answer through a buffer, and then goes on with the bare socket: what
// the buffer has taken beyond the head is lost to it. So the head must have been read before the stream begins.
// (Docker's own slowness hides that.)
void let_head_be_read(const Call& call, int socket) {
  constexpr int kPatience = 200;  // milliseconds
  if (call.request.header("User-Agent").find("docker-sdk-python") != std::string_view::npos)
    linux::sent_is_read_within(socket, kPatience);
}

shim::Stream hijacked_stream(Call& call, bool tty) {
  auto taken = call.response.hijack(stream_type(call, tty));
  shim::Stream stream;
  stream.socket = std::move(taken.socket);
  stream.early_input = std::move(taken.early_input);
  stream.multiplexed = !tty;
  let_head_be_read(call, stream.socket.get());
  return stream;
}

void attach_container(Call& call) {
  // dockerode repeats the query in a body: that is no input of the container.
  if (call.request.content_length > 0) call.request.read_all(kLargestBody);
  container::AttachRequest request;
  request.in = call.query.flag("stdin");
  request.out = call.query.flag("stdout");
  request.err = call.query.flag("stderr");
  request.logs = call.query.flag("logs");
  request.stream = call.query.flag("stream");
  if (call.query.has("detachKeys")) request.detach_keys = call.query.get("detachKeys");
  request.take_stream = [&](bool tty) { return hijacked_stream(call, tty); };
  try {
    call.engine.attach(call.parameter("name"), std::move(request));
  } catch (const Error& e) {
    if (call.response.started()) throw;
    refuse_attach(call, e, status_of(e.kind()));
  }
}

void container_logs(Call& call) {
  auto query = log_query(call.query);
  auto state = call.engine.get(call.parameter("name"));
  bool tty = state->spec->config.tty;
  auto writer = log_writer(call, query, tty);
  // What can be refused is refused before the head goes out; a silent log has a head nevertheless.
  call.engine.require_readable_log(*state);
  call.response.begin(200, writer->media_type());
  try {
    container::LogReceiver receiver{[&](const container::LogLine& line) { writer->line(line); },
                                    [&] { writer->caught_up(); }};
    call.engine.logs(state->id, query, receiver, call.request.hung_up());
    writer->flush();
  } catch (const Error& e) {
    if (e.kind() == Kind::kCancelled) throw;
    writer->error(e.message());
  }
}

void wait_container(Call& call) {
  static constexpr std::pair<std::string_view, container::WaitCondition> kConditions[] = {
      {"", container::WaitCondition::kNotRunning},
      {"not-running", container::WaitCondition::kNotRunning},
      {"next-exit", container::WaitCondition::kNextExit},
      {"removed", container::WaitCondition::kRemoved},
  };
  std::string wanted = call.query.get("condition");
  const auto* found =
      std::ranges::find(kConditions, wanted, &std::pair<std::string_view, container::WaitCondition>::first);
  if (found == std::end(kConditions)) fail_invalid("invalid condition: ", hull::quoted(wanted));
  // Clients start the container when they see this head: the wait is certain to see its end then.
  auto registered = [&] {
    if (call.since(30)) call.response.begin(200, kJson);
  };
  auto result = call.engine.wait(call.parameter("name"), found->second, registered, call.request.hung_up());
  Json out;
  out["StatusCode"] = result.code;
  if (!result.error.empty()) out["Error"] = {{"Message", result.error}};
  if (call.response.started())
    call.response.write(dump_json(out) + "\n");
  else
    reply(call, 200, out);
}

}  // namespace hull::api
