// SPDX-License-Identifier: Apache-2.0
// hull-runtime: the OCI runtime command line, with runc's flags, exit codes and JSON.
#include <algorithm>
#include <iterator>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "oci/json.h"
#include "runtime/runtime.h"
#include "runtime_state.h"

namespace hull::runtime_cli {

namespace {

struct Command {
  std::string_view name;
  Verb run;
  std::string_view what;
  int failure_code = 1;
};
constexpr Command kCommands[] = {
    {"create", verb_create, "create a container"},
    {"start", verb_start, "run the program of a created container"},
    {"run", verb_run, "create and start a container"},
    {"exec", verb_exec, "run a further program in a container", 255},
    {"state", verb_state, "print the state of a container"},
    {"kill", verb_kill, "send a signal (default SIGTERM) to a container"},
    {"delete", verb_delete, "remove what is left of a container"},
    {"list", verb_list, "list the containers"},
    {"ps", verb_ps, "list the processes of a container"},
    {"pause", verb_pause, "freeze all processes of a container"},
    {"resume", verb_resume, "thaw them again"},
    {"update", verb_update, "change the limits of a container"},
    {"spec", verb_spec, "write an example config.json"},
    {"features", verb_features, "print what this runtime can do"},
};

const std::vector<Flag> kGlobalFlags = {
    {"root", "", true},     {"log", "", true},       {"log-format", "", true}, {"systemd-cgroup", "", false},
    {"debug", "", false},   {"version", "v", false}, {"help", "h", false},     {"criu", "", true},
    {"rootless", "", true},
};

int print_help() {
  std::string text = "usage: hull-runtime [global options] command [options] [arguments]\n\ncommands:\n";
  for (const auto& command : kCommands)
    text += cat("  ", command.name, std::string(12 - command.name.size(), ' '), command.what, "\n");
  text += "\nglobal options:\n";
  for (const auto& flag : kGlobalFlags) text += cat("  --", flag.name, flag.takes_value ? " <value>\n" : "\n");
  write_all(STDOUT_FILENO, text);
  return 0;
}

int print_version() {
  write_all(STDOUT_FILENO, cat("hull-runtime version ", HULL_VERSION, "\nspec: 1.2.0\n"));
  return 0;
}

// The line that containerd and Podman read back from --log.
std::string log_line(const Arguments& arguments, const std::string& message) {
  std::string time = format_rfc3339(now());
  if (arguments.get("log-format", "text") == "json") {
    Json line = Json::object();
    line["level"] = "error";
    line["msg"] = message;
    line["time"] = time;
    return dump_json(line) + "\n";
  }
  return cat("time=", hull::quoted(std::string_view(time)),
             " level=error msg=", hull::quoted(std::string_view(message)), "\n");
}

int report(const Arguments& arguments, std::string message, int code) {
  // The caller puts this before it: containerd's shim and Podman name the runtime themselves.
  for (std::string_view beginning : {"OCI runtime create failed: ", "OCI runtime exec failed: "})
    if (message.starts_with(beginning)) message.erase(0, beginning.size());
  std::string line = log_line(arguments, message);
  if (arguments.has("log")) {
    UniqueFd log = open_file(arguments.get("log"), O_WRONLY | O_APPEND | O_CREAT, 0644);
    write_all(log.get(), line);
    write_all(STDERR_FILENO, message + "\n");
  } else {
    write_all(STDERR_FILENO, line);
  }
  return code;
}

int dispatch(const Arguments& arguments) {
  if (arguments.has("version")) return print_version();
  if (arguments.has("help") || arguments.words().empty() || arguments.words().front() == "help") return print_help();
  const std::string& name = arguments.words().front();
  auto command = std::ranges::find(kCommands, name, &Command::name);
  if (command == std::end(kCommands)) return report(arguments, cat("No help topic for '", name, "'"), 3);
  Globals globals;
  globals.root = absolute_path(arguments.get("root", "/run/hull-runtime"));
  if (arguments.has("systemd-cgroup")) globals.driver = linux::CgroupDriver::kSystemd;
  if (arguments.has("debug")) hull::log::set_level(hull::log::Level::kDebug);
  try {
    return command->run(globals, {arguments.words().begin() + 1, arguments.words().end()});
  } catch (const Error& e) {
    return report(arguments, e.message(), command->failure_code);
  }
}

}  // namespace

}  // namespace hull::runtime_cli

int main(int argc, char** argv) {
  using namespace hull;
  try {
    return runtime_cli::dispatch(runtime_cli::Arguments(runtime_cli::kGlobalFlags, {argv + 1, argv + argc}));
  } catch (const std::exception& e) {
    write_all(STDERR_FILENO, cat("hull-runtime: ", e.what(), "\n"));
    return 1;
  }
}
