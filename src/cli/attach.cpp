// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/container_path.h"
#include "cli/key_values.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace hull::cli::container {
namespace {

Value attach_streams(const Value& container, bool with_input) {
  const Value& config = container["Config"];
  return Value::Map{{"tty", config["Tty"].boolean()}, {"stdin", with_input && config["OpenStdin"].boolean()}};
}

std::string attach_path(const std::string& name, bool input, const Options& options) {
  Query query;
  query.add("stream", "1");
  if (std::string keys = chosen_detach_keys(options); !keys.empty()) query.add("detachKeys", keys);
  if (input) query.add("stdin", "1");
  query.add("stdout", "1").add("stderr", "1");
  return container_path(name, "/attach", query.text());
}

SessionPlan plan_for(const std::string& name, const Value& streams, const Options& options, Connection& stream,
                     Connection& wait) {
  SessionPlan plan;
  plan.stream = &stream;
  plan.wait = &wait;
  plan.input = streams["stdin"].boolean();
  plan.tty = streams["tty"].boolean();
  plan.detach_keys = chosen_detach_keys(options);
  plan.resize_path = container_path(name, "/resize");
  return plan;
}

Value exec_request(const Invocation& call, bool detached, bool tty) {
  const Options& o = call.options;
  std::vector<std::string> command(call.arguments().begin() + 1, call.arguments().end());
  Value request = Value::empty_map();
  request.set("User", o.text("user"));
  request.set("Privileged", o.is_set("privileged"));
  request.set("Tty", tty);
  if (WindowSize size = window_size(1); tty && size.rows)
    request.set("ConsoleSize",
                Value::List{static_cast<std::int64_t>(size.rows), static_cast<std::int64_t>(size.columns)});
  request.set("AttachStdin", !detached && o.is_set("interactive"));
  request.set("AttachStderr", !detached);
  request.set("AttachStdout", !detached);
  request.set("DetachKeys", chosen_detach_keys(o));
  request.set("Env", Value::texts(environment_of(o.list("env-file"), o.list("env")), true));
  request.set("WorkingDir", o.text("workdir"));
  request.set("Cmd", Value::texts(command));
  return request;
}

std::string start_query(const Options& options) {
  Query query;
  for (std::string_view name : {"checkpoint", "checkpoint-dir"})
    if (options.given(name)) query.add(name, options.text(name));
  return query.text();
}

}  // namespace

int attach(Invocation& call) {
  Client& client = call.client();
  const std::string& name = call.argument(0);
  Value container = client.get(container_path(name, "/json"));
  const Value& state = container["State"];
  if (!state["Running"].boolean()) fail_invalid("You cannot attach to a stopped container, start it first");
  if (state["Paused"].boolean()) fail_invalid("You cannot attach to a paused container, unpause it first");
  if (state["Restarting"].boolean())
    fail_invalid("You cannot attach to a restarting container, wait until it is running");
  Value streams = attach_streams(container, !call.options.is_set("no-stdin"));
  check_input_terminal(streams["stdin"].boolean(), streams["tty"].boolean());
  hold_signals();
  auto wait = client.send("POST", container_path(name, "/wait"));
  auto stream = client.send_hijack(attach_path(name, streams["stdin"].boolean(), call.options));
  client.finish_head(*stream);
  client.finish_head(*wait);
  SessionPlan plan = plan_for(name, streams, call.options, *stream, *wait);
  plan.redraw = true;
  if (call.options.is_set("sig-proxy") && !plan.tty) plan.kill_path = container_path(name, "/kill", "?signal=");
  SessionEnd end = run_session(client, plan);
  return end.detached ? 0 : end.status;
}

int start(Invocation& call) {
  Client& client = call.client();
  const Options& options = call.options;
  std::string query = start_query(options);
  if (options.given("checkpoint") && call.arguments().size() > 1)
    fail_invalid("you cannot restore multiple containers at once");
  bool attached = options.is_set("attach"), input = options.is_set("interactive");
  if (!attached && !input) {
    std::vector<std::string> failed = call.arguments();
    int code = for_each_argument(call.arguments(), [&](const std::string& name) {
      client.post(container_path(name, "/start", query));
      std::erase(failed, name);
      return name;
    });
    if (code) complain(cat("Error: failed to start containers: ", join(failed, ", ")));
    return code;
  }
  if (call.arguments().size() > 1) fail_invalid("you cannot start and attach multiple containers at once");
  const std::string& name = call.argument(0);
  Value container = client.get(container_path(name, "/json"));
  Value streams = attach_streams(container, input);
  check_input_terminal(streams["stdin"].boolean(), streams["tty"].boolean());
  bool removed = container["HostConfig"]["AutoRemove"].boolean();
  const std::string& id = container["Id"].text();
  hold_signals();
  auto wait = client.send("POST", container_path(id, "/wait", removed ? "?condition=removed" : "?condition=next-exit"));
  auto stream = client.send_hijack(attach_path(id, streams["stdin"].boolean(), options));
  client.finish_head(*stream);
  client.finish_head(*wait);
  client.post(container_path(id, "/start", query));
  SessionPlan plan = plan_for(id, streams, options, *stream, *wait);
  if (!plan.tty) plan.kill_path = container_path(id, "/kill", "?signal=");
  SessionEnd end = run_session(client, plan);
  return end.detached ? 0 : end.status;
}

int exec(Invocation& call) {
  Client& client = call.client();
  const Options& options = call.options;
  bool detached = options.is_set("detach"), tty = options.is_set("tty"), input = options.is_set("interactive");
  if (!detached) check_input_terminal(input, tty);
  std::string id =
      client.post(container_path(call.argument(0), "/exec"), exec_request(call, detached, tty)).value()["Id"].text();
  Value start = Value::Map{{"Detach", detached}, {"Tty", tty}};
  std::string path = cat("/exec/", id);
  if (detached) {
    client.post(path + "/start", start);
    return 0;
  }
  hold_signals();
  auto stream = client.send_hijack(path + "/start", &start);
  client.finish_head(*stream);
  SessionPlan plan;
  plan.stream = stream.get();
  plan.input = input;
  plan.tty = tty;
  plan.detach_keys = chosen_detach_keys(options);
  plan.resize_path = path + "/resize";
  if (run_session(client, plan).detached) return 0;
  return static_cast<int>(client.get(path + "/json")["ExitCode"].integer());
}

}  // namespace hull::cli::container
