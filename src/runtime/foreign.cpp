// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreign.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/rollback.h"
#include "linux/fd_path.h"
#include "linux/pidfd.h"
#include "linux/unix_socket.h"
#include "runtime/foreign_failure.h"
#include "runtime/host_program.h"
#include "runtime/input_mounts.h"

namespace hull::runtime {

namespace {

constexpr const char* kConsoleSocket = "console.sock";

std::string log_path(const ForeignRuntime& runtime) { return runtime.directory + "/runtime.log"; }

std::vector<std::string> command_of(const ForeignRuntime& runtime, const std::vector<std::string>& verb) {
  std::vector<std::string> command = {runtime.program};
  command.insert(command.end(), runtime.arguments.begin(), runtime.arguments.end());
  for (const std::string& word : {std::string("--root"), foreign_state_path(runtime.directory), std::string("--log"),
                                  log_path(runtime), std::string("--log-format"), std::string("json")})
    command.push_back(word);
  if (runtime.cgroup_driver == linux::CgroupDriver::kSystemd) command.emplace_back("--systemd-cgroup");
  command.insert(command.end(), verb.begin(), verb.end());
  return command;
}

// Runs one command of the program to its end. `program`: its stdio.
void call(const ForeignRuntime& runtime, const std::vector<std::string>& verb, HostProgram program = {}) {
  ::unlink(log_path(runtime).c_str());
  program.command = command_of(runtime, verb);
  auto status = run_host_program(program);
  if (status == 0) return;
  std::string text = last_foreign_message(read_if_exists(log_path(runtime)).value_or(""));
  if (!status)
    text = cat(runtime.program, " was not done after ", program.patience_ms / 1000, " s and was ended");
  else if (text.empty() && !exists(runtime.program))
    text = cat("fork/exec ", runtime.program, ": no such file or directory");  // Docker's words
  else if (text.empty())
    text = cat(runtime.program, " ", verb[0], " ended with exit code ", exit_code(*status));
  throw StartError(foreign_failure(verb[0], text));
}

// The terminal's master comes through a socket whose path the program is given. A socket's path has 107 bytes at most,
// less than the directory may need: the way to it leads through our descriptor of the directory.
class Console {
 public:
  Console(const ForeignRuntime& runtime, bool wanted) {
    if (!wanted) return;
    directory_ = open_file(runtime.directory, O_PATH | O_DIRECTORY);
    listener_ = linux::listen_unix(runtime.directory, kConsoleSocket);
  }
  ~Console() {
    if (listener_) ::unlinkat(directory_.get(), kConsoleSocket, 0);
  }
  Console(const Console&) = delete;

  void add_to(std::vector<std::string>& verb) const {
    if (!listener_) return;
    verb.emplace_back("--console-socket");
    verb.push_back(cat(linux::fd_path_for_others(directory_.get()), "/", kConsoleSocket));
  }
  // After the command has ended, which has sent it then.
  UniqueFd take() const {
    if (!listener_) return {};
    auto connection = linux::accept_unix(listener_.get());
    char name[256];
    std::vector<UniqueFd> descriptors;
    if (connection) linux::receive_with_descriptors(connection->get(), name, descriptors, false);
    if (descriptors.size() != 1) fail(Kind::kInternal, "the runtime has not sent the terminal of the container");
    return std::move(descriptors[0]);
  }

 private:
  UniqueFd directory_, listener_;
};

struct Found {
  pid_t pid = -1;
  UniqueFd pidfd;
};

// The process is ours by now (its parent was the program): its number is its own until we have reaped it.
Found read_pid(const std::string& file) {
  Found found;
  found.pid = parse_number<pid_t>(trim(read_file(file))).value_or(-1);
  auto pidfd = found.pid > 0 ? linux::open_pidfd(found.pid) : std::nullopt;
  if (!pidfd) fail(Kind::kInternal, "the runtime has left no process behind (", file, ")");
  found.pidfd = std::move(*pidfd);
  return found;
}

// Goes with everything that the program has made, unless its ownership was given up.
class ForeignInit final : public Init {
 public:
  ForeignInit(const ForeignRuntime& runtime, std::unique_ptr<linux::Cgroup> cgroup)
      : runtime_(&runtime), cgroup_(std::move(cgroup)) {}
  ~ForeignInit() override {
    if (!runtime_) return;
    try {
      delete_foreign(*runtime_);
    } catch (const std::exception& e) {
      log::warn("cannot take back a container of ", runtime_->program, ": ", e.what());
    }
  }
  ForeignInit(const ForeignInit&) = delete;
  void take(Found process, UniqueFd console) {
    process_ = std::move(process);
    console_ = std::move(console);
  }

  pid_t pid() const override { return process_.pid; }
  int pidfd() const override { return process_.pidfd.get(); }
  UniqueFd take_console() override { return std::move(console_); }
  linux::Cgroup& cgroup() override { return *cgroup_; }
  void release() override {}
  void release_ownership() override { runtime_ = nullptr; }

 private:
  const ForeignRuntime* runtime_;
  std::unique_ptr<linux::Cgroup> cgroup_;
  Found process_;
  UniqueFd console_;
};

}  // namespace

std::unique_ptr<Init> start_foreign(const ForeignRuntime& runtime, const std::string& cgroup_path, bool terminal,
                                    const Handles& handles) {
  mount_inputs(runtime.directory, handles);
  Console console(runtime, terminal);
  std::string pid_file = runtime.directory + "/init.pid";
  std::vector<std::string> create = {"create", "--bundle", runtime.directory, "--pid-file", pid_file};
  console.add_to(create);
  create.push_back(runtime.id);
  auto cgroup = linux::make_cgroup(runtime.cgroup_driver, cgroup_path);
  call(runtime, create, {.command = {}, .in = handles.in, .out = handles.out, .err = handles.err});
  // From here on the container's first process exists. It goes with `init`.
  auto init = std::make_unique<ForeignInit>(runtime, std::move(cgroup));
  init->take(read_pid(pid_file), console.take());
  call(runtime, {"start", runtime.id});
  return init;
}

Execed exec_foreign(const ForeignRuntime& runtime, const std::string& process, bool terminal,
                    const ExecOptions& options) {
  Console console(runtime, terminal);
  std::string pid_file = runtime.directory + "/exec.pid";
  std::vector<std::string> verb = {"exec", "--process", process, "--pid-file", pid_file, "--detach"};
  console.add_to(verb);
  verb.push_back(runtime.id);
  Rollback always;
  always.add("process file", [&] { ::unlink(process.c_str()); });
  call(runtime, verb, {.command = {}, .in = options.in, .out = options.out, .err = options.err});
  Found found = read_pid(pid_file);
  return {found.pid, std::move(found.pidfd), console.take()};
}

void delete_foreign(const ForeignRuntime& runtime) {
  Rollback always;
  always.add("mounts", [&] { unmount_inputs(runtime.directory); });
  call(runtime, {"delete", "--force", runtime.id});
}

std::string foreign_state_path(const std::string& directory) { return directory + "/runtime-state"; }

std::vector<std::string> foreign_delete_command(const ForeignRuntime& runtime) {
  return command_of(runtime, {"delete", "--force", runtime.id});
}

}  // namespace hull::runtime
