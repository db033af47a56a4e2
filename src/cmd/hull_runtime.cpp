// SPDX-License-Identifier: Apache-2.0
// hull-runtime: the OCI runtime command line, with runc's flags, exit codes and JSON.
#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "linux/own_process.h"
#include "linux/own_program.h"
#include "oci/json.h"
#include "runtime/runtime.h"
#include "runtime_files.h"
#include "runtime_state.h"

namespace hull::runtime_cli {

namespace {

struct Command {
  std::string_view name;
  Verb run;
  std::string_view what;
  int failure_code = 1;
  // A process of ours comes to be in the container, which must not be able to write to our program through it.
  bool enters = false;
};
constexpr Command kCommands[] = {
    {"create", verb_create, "create a container", 1, true},
    {"start", verb_start, "run the program of a created container"},
    {"run", verb_run, "create and start a container", 1, true},
    {"exec", verb_exec, "run a further program in a container", 255, true},
    {"state", verb_state, "print the state of a container"},
    {"kill", verb_kill, "send a signal (default SIGTERM) to a container"},
    {"delete", verb_delete, "remove what is left of a container"},
    {"list", verb_list, "list the containers"},
    {"ps", verb_ps, "list the processes of a container"},
    {"pause", verb_pause, "freeze all processes of a container"},
    {"resume", verb_resume, "thaw them again"},
    {"update", verb_update, "change the limits of a container"},
    {"events", verb_events, "print statistics and OOM kills of a container"},
    {"checkpoint", verb_checkpoint, "write the processes of a container to files"},
    {"restore", verb_restore, "bring a container back from such files"},
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
  write_all(STDOUT_FILENO, cat("hull-runtime version ", HULL_VERSION, "\nspec: ", oci::kRuntimeSpecVersion, "\n"));
  return 0;
}

// Where log lines go, and in which form: what containerd and Podman read back from --log.
struct Log {
  std::string file;  // empty: standard error
  bool json = false;
} g_log;

std::string log_line(hull::log::Level level, std::string_view message) {
  if (!g_log.json) return hull::log::text_line(level, message);
  Json line = Json::object();
  line["level"] = hull::log::name(level);
  line["msg"] = message;
  line["time"] = format_rfc3339(now());
  return dump_json(line) + "\n";
}

void write_log(hull::log::Level level, std::string_view message) {
  std::string line = log_line(level, message);
  if (g_log.file.empty()) return write_all(STDERR_FILENO, line);
  write_all(open_file(g_log.file, O_WRONLY | O_APPEND | O_CREAT, 0644).get(), line);
}

int report(std::string message, int code) {
  // The caller puts this before it: containerd's shim and Podman name the runtime themselves.
  for (std::string_view beginning : {"OCI runtime create failed: ", "OCI runtime exec failed: "})
    if (message.starts_with(beginning)) message.erase(0, beginning.size());
  write_log(hull::log::Level::kError, message);
  if (!g_log.file.empty()) write_all(STDERR_FILENO, message + "\n");
  return code;
}

void open_log(const Arguments& arguments) {
  std::string format = arguments.get("log-format", "text");
  if (format != "text" && format != "json" && !format.empty()) fail_invalid("invalid log-format: ", format);
  g_log = {arguments.get("log"), format == "json"};
  if (!g_log.file.empty()) open_file(g_log.file, O_WRONLY | O_APPEND | O_CREAT, 0644);
  hull::log::set_sink(write_log);
  if (arguments.has("debug")) hull::log::set_level(hull::log::Level::kDebug);
}

bool is_rootless(const std::string& text) {
  if (text == "auto" || text.empty()) return ::geteuid() != 0;
  if (text == "true") return true;
  if (text == "false") return false;
  fail_invalid("invalid value ", hull::quoted(text), " for --rootless: it is true, false or auto");
}

// Who is not root keeps containers in the directory of the session.
std::string default_root() {
  const char* session = std::getenv("XDG_RUNTIME_DIR");
  return ::geteuid() != 0 && session && *session ? cat(session, "/hull-runtime") : "/run/hull-runtime";
}

int dispatch(const Arguments& arguments, char** argv) {
  if (arguments.has("version")) return print_version();
  if (arguments.has("help") || arguments.words().empty() || arguments.words().front() == "help") return print_help();
  const std::string& name = arguments.words().front();
  auto command = std::ranges::find(kCommands, name, &Command::name);
  if (command == std::end(kCommands)) return report(cat("No help topic for '", name, "'"), 3);
  if (arguments.words().size() > 1 && (arguments.words()[1] == "--help" || arguments.words()[1] == "-h"))
    return print_help();
  try {
    if (command->enters) linux::execute_from_read_only_copy(argv);
    linux::set_own_name("hull-runtime");  // it is executed by a descriptor's number then
    open_log(arguments);
    Globals globals;
    globals.root = absolute_path(arguments.get("root", default_root()));
    if (arguments.has("systemd-cgroup")) globals.driver = linux::CgroupDriver::kSystemd;
    globals.rootless = is_rootless(arguments.get("rootless", "auto"));
    globals.criu = arguments.get("criu", globals.criu);
    log::debug("hull-runtime ", name);
    return command->run(globals, {arguments.words().begin() + 1, arguments.words().end()});
  } catch (const std::exception& e) {
    return report(e.what(), command->failure_code);
  }
}

}  // namespace

}  // namespace hull::runtime_cli

int main(int argc, char** argv) {
  using namespace hull;
  try {
    runtime_cli::Arguments arguments(runtime_cli::kGlobalFlags, {argv + 1, argv + argc}, runtime_cli::Flags::kInFront);
    return runtime_cli::dispatch(arguments, argv);
  } catch (const std::exception& e) {
    return runtime_cli::report(e.what(), 1);
  }
}
