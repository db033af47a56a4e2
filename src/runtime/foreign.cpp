// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreign.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "base/file.h"
#include "base/log.h"
#include "linux/child.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/unix_socket.h"

namespace hull::runtime {

namespace {

constexpr std::string_view kConsoleSocket = "console.sock";
// What these programs look for others with (hooks, newuidmap, criu).
constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct Stdio {
  int in = -1, out = -1, err = -1;  // -1: /dev/null
};

std::string log_path(const ForeignRuntime& runtime) { return runtime.directory + "/runtime.log"; }

[[noreturn]] void execute(const std::vector<std::string>& command, const Stdio& stdio) {
  int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  linux::set_stdio(stdio.in < 0 ? null : stdio.in, stdio.out < 0 ? null : stdio.out, stdio.err < 0 ? null : stdio.err);
  linux::close_on_exec_from(3);
  linux::reset_signals();
  std::string path = kPath;
  char* environment[] = {path.data(), nullptr};
  ::execve(command[0].c_str(), linux::exec_vector(command).data(), environment);
  ::_exit(127);
}

// The text of the last "msg" in the lines of JSON that the program has logged; "" when there is none.
std::string last_message(std::string_view log) {
  constexpr std::string_view kKey = "\"msg\":";
  auto at = log.rfind(kKey);
  if (at == log.npos) return {};
  log = trim(log.substr(at + kKey.size()));
  std::string text;
  for (std::size_t i = 1; i < log.size() && log[i] != '"'; ++i) {
    if (log[i] == '\\' && ++i < log.size())
      text += log[i] == 'n' || log[i] == 't' ? ' ' : log[i];
    else
      text += log[i];
  }
  return text;
}

// What went wrong is known from words only, which are runc's and everybody's: a command that does not exist is the
// user's mistake.
[[noreturn]] void throw_failure(const std::string& verb, const std::string& text) {
  Failure failure;
  failure.step = Step::kCgroup;
  failure.message = cat("OCI runtime ", verb, " failed: ", text, ": unknown");
  auto says = [&](std::string_view words) { return text.find(words) != text.npos; };
  if (says("executable file not found") || says("no such file or directory")) failure.code = ENOENT;
  if (says("permission denied")) failure.code = EACCES;
  if (failure.code != 0) failure.step = Step::kExec;
  throw StartError(std::move(failure));
}

// Runs one command of the program to its end.
void call(const ForeignRuntime& runtime, const std::vector<std::string>& verb, const Stdio& stdio = {}) {
  ::unlink(log_path(runtime).c_str());
  std::vector<std::string> command = {runtime.program};
  command.insert(command.end(), runtime.arguments.begin(), runtime.arguments.end());
  for (const std::string& word : {std::string("--root"), runtime.directory + "/runtime-state", std::string("--log"),
                                  log_path(runtime), std::string("--log-format"), std::string("json")})
    command.push_back(word);
  if (runtime.cgroup_driver == linux::CgroupDriver::kSystemd) command.emplace_back("--systemd-cgroup");
  command.insert(command.end(), verb.begin(), verb.end());
  UniqueFd pidfd;
  pid_t pid = linux::clone_process(0, -1, pidfd);
  if (pid == 0) execute(command, stdio);
  linux::Child child(pid, std::move(pidfd));
  int status = child.wait();
  if (status == 0) return;
  std::string text = last_message(read_if_exists(log_path(runtime)).value_or(""));
  if (text.empty()) text = cat(runtime.program, " ", verb[0], " ended with exit code ", exit_code(status));
  throw_failure(verb[0], text);
}

// The terminal's master comes through a socket whose path the program is given.
class Console {
 public:
  Console(const ForeignRuntime& runtime, bool wanted) : path_(cat(runtime.directory, "/", kConsoleSocket)) {
    if (wanted) listener_ = linux::listen_unix(runtime.directory, std::string(kConsoleSocket));
  }
  ~Console() {
    if (listener_) ::unlink(path_.c_str());
  }
  Console(const Console&) = delete;

  void add_to(std::vector<std::string>& verb) const {
    if (!listener_) return;
    verb.emplace_back("--console-socket");
    verb.push_back(path_);
  }
  // After the command has ended, which has sent it then.
  UniqueFd take() const {
    if (!listener_) return {};
    auto connection = linux::accept_unix(listener_.get());
    if (!connection) fail(Kind::kInternal, "the runtime has not sent the terminal of the container");
    char name[256];
    std::vector<UniqueFd> descriptors;
    linux::receive_with_descriptors(connection->get(), name, descriptors, true);
    if (descriptors.size() != 1) fail(Kind::kInternal, "the runtime has not sent the terminal of the container");
    return std::move(descriptors[0]);
  }

 private:
  std::string path_;
  UniqueFd listener_;
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

class ForeignInit final : public Init {
 public:
  ForeignInit(Found process, UniqueFd console, std::unique_ptr<linux::Cgroup> cgroup, const ForeignRuntime& runtime)
      : process_(std::move(process)), console_(std::move(console)), cgroup_(std::move(cgroup)), runtime_(&runtime) {}
  ~ForeignInit() override {
    if (!runtime_) return;
    try {
      delete_foreign(*runtime_);
    } catch (const std::exception& e) {
      log::warn("cannot take back a container of ", runtime_->program, ": ", e.what());
    }
  }
  ForeignInit(const ForeignInit&) = delete;

  pid_t pid() const override { return process_.pid; }
  int pidfd() const override { return process_.pidfd.get(); }
  UniqueFd take_console() override { return std::move(console_); }
  linux::Cgroup& cgroup() override { return *cgroup_; }
  void release() override {}
  void release_ownership() override { runtime_ = nullptr; }

 private:
  Found process_;
  UniqueFd console_;
  std::unique_ptr<linux::Cgroup> cgroup_;
  const ForeignRuntime* runtime_;
};

void mount_inputs(const ForeignRuntime& runtime, const Handles& handles) {
  linux::leave_namespaces(CLONE_NEWNS);
  linux::set_propagation_of_all(MS_SLAVE);
  std::string rootfs = runtime.directory + "/rootfs", netns = runtime.directory + "/netns";
  make_directories(rootfs, 0755);
  linux::attach_mount(handles.rootfs, rootfs);
  if (handles.network_namespace < 0) return;
  open_file(netns, O_CREAT | O_RDONLY, 0600);
  linux::attach_mount(linux::clone_mount(handles.network_namespace, false).get(), netns);
}

}  // namespace

std::unique_ptr<Init> start_foreign(const ForeignRuntime& runtime, const std::string& cgroup_path, bool terminal,
                                    const Handles& handles) {
  mount_inputs(runtime, handles);
  Console console(runtime, terminal);
  std::string pid_file = runtime.directory + "/init.pid";
  std::vector<std::string> create = {"create", "--bundle", runtime.directory, "--pid-file", pid_file};
  console.add_to(create);
  create.push_back(runtime.id);
  call(runtime, create, {handles.in, handles.out, handles.err});
  // From here on the container's first process exists. It goes with `init`.
  auto init = std::make_unique<ForeignInit>(read_pid(pid_file), console.take(),
                                            linux::make_cgroup(runtime.cgroup_driver, cgroup_path), runtime);
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
  call(runtime, verb, {options.in, options.out, options.err});
  Found found = read_pid(pid_file);
  return {found.pid, std::move(found.pidfd), console.take()};
}

void delete_foreign(const ForeignRuntime& runtime) { call(runtime, {"delete", "--force", runtime.id}); }

}  // namespace hull::runtime
