// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/json_reply.h"
#include "api/streams.h"
#include "api/terminal_size.h"
#include "base/fields.h"
#include "oci/json.h"

namespace hull::container {

template <class Visitor>
void fields(Visitor& visit, ExecSpec& value) {
  visit("AttachStdin", value.attach_stdin);
  visit("AttachStdout", value.attach_stdout);
  visit("AttachStderr", value.attach_stderr);
  visit("Tty", value.tty);
  visit("Privileged", value.privileged);
  visit("Env", value.env);
  visit("Cmd", value.cmd);
  visit("User", value.user);
  visit("WorkingDir", value.working_dir);
  visit("DetachKeys", value.detach_keys);
  visit("ConsoleSize", value.console_size);
}

}  // namespace hull::container

namespace hull::api {

namespace {

struct StartBody {
  bool detach = false;
  bool tty = false;
  std::vector<std::uint32_t> console_size;
};
template <class Visitor>
void fields(Visitor& visit, StartBody& value) {
  visit("Detach", value.detach);
  visit("Tty", value.tty);
  visit("ConsoleSize", value.console_size);
}

}  // namespace

void create_exec(Call& call) {
  auto spec = from_json<container::ExecSpec>(json_body(call));
  if (!call.since(42)) spec.console_size.clear();
  Json out;
  out["Id"] = call.engine.exec_create(call.parameter("name"), std::move(spec));
  reply(call, 201, out);
}

void start_exec(Call& call) {
  const std::string& id = call.parameter("id");
  auto body = from_json<StartBody>(json_body(call, true));
  call.engine.exec_inspect(id);  // refuses unknown ones before anything else
  if (!body.tty || !call.since(42)) body.console_size.clear();
  container::ExecStart start;
  start.detach = body.detach;
  start.tty = body.tty;
  start.console_size = body.console_size;
  start.take_stream = [&](bool with_terminal) { return hijacked_stream(call, with_terminal); };
  call.engine.exec_start(id, std::move(start));
  if (!call.response.started()) call.send_empty(200);
}

void resize_exec(Call& call) {
  std::uint32_t height = terminal_size(call.query, "h", "height"), width = terminal_size(call.query, "w", "width");
  call.engine.exec_resize(call.parameter("id"), height, width);
  call.send_empty(200);
}

void inspect_exec(Call& call) {
  auto exec = call.engine.exec_inspect(call.parameter("id"));
  Json process;
  const auto& command = *exec.spec.cmd;
  process["tty"] = exec.spec.tty;
  process["entrypoint"] = command.front();
  process["arguments"] = container::Strings(command.begin() + 1, command.end());
  process["privileged"] = exec.spec.privileged;
  if (!exec.spec.user.empty()) process["user"] = exec.spec.user;
  Json out;
  out["ID"] = exec.id;
  out["Running"] = exec.running;
  out["ExitCode"] = exec.exit_code ? Json(*exec.exit_code) : Json(nullptr);
  out["ProcessConfig"] = process;
  out["OpenStdin"] = exec.spec.attach_stdin;
  out["OpenStderr"] = exec.spec.attach_stderr;
  out["OpenStdout"] = exec.spec.attach_stdout;
  out["CanRemove"] = exec.exit_code.has_value();
  out["ContainerID"] = exec.container_id;
  out["DetachKeys"] = exec.spec.detach_keys;
  out["Pid"] = exec.pid;
  reply(call, 200, out);
}

}  // namespace hull::api
