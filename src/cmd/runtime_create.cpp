// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rollback.h"
#include "linux/foreground.h"
#include "linux/handshake.h"
#include "linux/pidfd.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"
#include "runtime/runtime.h"
#include "runtime_state.h"

namespace hull::runtime_cli {

namespace {

const std::vector<Flag> kFlags = {
    {"bundle", "b", true},      {"console-socket", "", true}, {"pid-file", "", true},
    {"preserve-fds", "", true}, {"no-pivot", "", false},      {"no-new-keyring", "", false},
    {"detach", "d", false},     {"keep", "", false},          {"no-subreaper", "", false},
};

// A container whose first process stands; the directory and the process go away again if nobody commits.
struct Created {
  Container container;
  std::unique_ptr<runtime::Init> init;
};

Created create(const Globals& globals, const Arguments& arguments, bool hold, Rollback& rollback) {
  Created made;
  Container& container = made.container;
  container.id = checked_id(arguments.word(0, "the container ID"));
  container.bundle = absolute_path(arguments.get("bundle", "."));
  container.config = from_json<oci::RuntimeConfig>(parse_json(read_file(container.bundle + "/config.json")));
  container.systemd_cgroup = globals.driver == linux::CgroupDriver::kSystemd;
  std::string& group = container.config.linux.cgroups_path;
  if (group.empty())
    group = container.systemd_cgroup ? cat("system.slice:hull:", container.id) : cat("/", container.id);
  if (!container.systemd_cgroup && !group.starts_with('/')) group = cat("/", group);
  container.cgroup_path = group;
  if (container.config.root) {
    const auto& path = container.config.root->path;
    container.rootfs = path.starts_with('/') ? path : cat(container.bundle, "/", path);
  }
  bool terminal = container.config.process && container.config.process->terminal;
  if (terminal && (hold || arguments.has("detach")) && !arguments.has("console-socket"))
    fail_invalid("cannot allocate tty if the runtime will detach without setting console socket");

  std::string directory = container.directory(globals);
  make_directories(globals.root, 0711);
  if (::mkdir(directory.c_str(), 0711) < 0) {
    if (errno == EEXIST) fail(Kind::kConflict, "container with given ID already exists");
    throw_errno("mkdir", directory);
  }
  rollback.add("state", [directory] { remove_tree(directory); });

  runtime::Handles handles;
  UniqueFd listener;
  if (hold) {
    UniqueFd at = open_file(directory, O_PATH | O_DIRECTORY);
    listener = linux::listen_for_handshake(at.get(), kStartSocket);
    handles.release_listener = listener.get();
  }
  runtime::StartOptions options;
  options.cgroup_driver = globals.driver;
  options.hold_before_exec = hold;
  options.bundle = container.bundle;
  options.id = container.id;
  options.no_pivot = arguments.has("no-pivot");
  options.preserve_fds = parse_number<unsigned>(arguments.get("preserve-fds", "0")).value_or(0);
  made.init = runtime::start(container.config, handles, options);
  rollback.add("cgroup", [driver = globals.driver, path = container.cgroup_path] {
    auto left = linux::make_cgroup(driver, path);
    left->kill_all();
    left->remove();
  });
  container.pid = made.init->pid();
  container.pid_start_time = start_time_of(container.pid);
  container.created = format_rfc3339(now());
  save(globals, container);
  write_pid_file(arguments.get("pid-file"), container.pid);
  return made;
}

void hand_over_console(Created& made, const Arguments& arguments) {
  if (!arguments.has("console-socket")) return;
  UniqueFd console = made.init->take_console();
  if (console) linux::send_descriptor(arguments.get("console-socket"), "/dev/ptmx", console.get());
}

void run_poststart_hooks(const Container& container) {
  if (container.config.hooks)
    runtime::run_hooks(container.config.hooks->poststart,
                       {container.id, "running", container.bundle, container.pid, container.config.annotations});
}

}  // namespace

int verb_create(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments(kFlags, std::move(words));
  Rollback rollback;
  Created made = create(globals, arguments, true, rollback);
  hand_over_console(made, arguments);
  made.init->release_ownership();
  rollback.commit();
  return 0;
}

int verb_start(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({}, std::move(words));
  Container container = load(globals, arguments.word(0, "the container ID"));
  std::string status = status_of(globals, container);
  if (status == "stopped") fail(Kind::kConflict, "cannot start a container that has stopped");
  if (status != "created") fail(Kind::kConflict, "cannot start an already running container");
  UniqueFd directory = open_file(container.directory(globals), O_PATH | O_DIRECTORY);
  runtime::release_held(directory.get(), kStartSocket);
  ::unlinkat(directory.get(), kStartSocket, 0);
  run_poststart_hooks(container);
  return 0;
}

int verb_run(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments(kFlags, std::move(words));
  bool detach = arguments.has("detach");
  if (!detach) linux::collect_signals();
  Rollback rollback;
  Created made = create(globals, arguments, false, rollback);
  hand_over_console(made, arguments);
  run_poststart_hooks(made.container);
  if (detach) {
    made.init->release_ownership();
    rollback.commit();
    return 0;
  }
  UniqueFd console = made.init->take_console();
  linux::attend_process(made.init->pidfd(), console.get());
  int status = linux::reap_pidfd(made.init->pidfd()).value_or(0);
  made.init->release_ownership();
  rollback.commit();
  if (!arguments.has("keep")) forget(globals, made.container);
  return runtime::exit_code(status);
}

}  // namespace hull::runtime_cli
