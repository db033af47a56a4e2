// SPDX-License-Identifier: Apache-2.0
#include "runtime_create.h"

#include <cstdlib>

#include "base/clock.h"
#include "base/file.h"
#include "linux/foreground.h"
#include "linux/handshake.h"
#include "linux/pidfd.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"
#include "runtime/validate.h"
#include "runtime_files.h"
#include "runtime_notify.h"

namespace hull::runtime_cli {

const std::vector<Flag> kCreateFlags = {
    {"bundle", "b", true},      {"console-socket", "", true}, {"pidfd-socket", "", true},    {"pid-file", "", true},
    {"preserve-fds", "", true}, {"no-pivot", "", false},      {"no-new-keyring", "", false}, {"detach", "d", false},
    {"keep", "", false},        {"no-subreaper", "", false},
};

namespace {

// How many descriptors a service manager hands over (sd_listen_fds(3)).
unsigned listen_descriptors() {
  const char* text = std::getenv("LISTEN_FDS");
  return text ? parse_number<unsigned>(text).value_or(0) : 0;
}

// The configuration for the first process, when a service manager adds to it: what that one says is nothing to the
// processes that come later.
std::optional<oci::RuntimeConfig> config_of_service(const Container& container, const std::string& directory,
                                                    unsigned listening) {
  bool readiness = readiness_is_asked_for(container.config);
  if (!readiness && !listening) return std::nullopt;
  oci::RuntimeConfig config = container.config;
  if (readiness) offer_readiness(directory, config);
  if (listening) {
    config.process->env.push_back(cat("LISTEN_FDS=", listening));
    config.process->env.emplace_back("LISTEN_PID=1");
  }
  return config;
}

// From here on there is a directory; `rollback` takes everything back that is made.
Created create(const Globals& globals, const Arguments& arguments, bool hold, Rollback& rollback) {
  Created made{container_of(globals, arguments), {}, {}};
  Container& container = made.container;
  if (!container.config.process) fail_invalid("process property must not be empty");
  check_terminal(container.config.process->terminal, hold || arguments.has("detach"), arguments);
  runtime::StartOptions options = start_options(globals, container, arguments);
  unsigned listening = listen_descriptors();
  options.preserve_fds += listening;  // they come before those of --preserve-fds
  options.plain_newlines = !hold && !arguments.has("detach");

  made.lock = claim(globals, container);
  std::string directory = container.directory(globals);
  rollback.add("state", [directory] { remove_tree(directory); });
  runtime::Handles handles;
  UniqueFd listener;
  if (hold) {
    UniqueFd at = open_file(directory, O_PATH | O_DIRECTORY);
    listener = linux::listen_for_handshake(at.get(), kStartSocket);
    handles.release_listener = listener.get();
  }
  try {
    auto own = config_of_service(container, directory, listening);
    made.init = runtime::start(own ? *own : container.config, handles, options);
  } catch (const runtime::StartError& e) {
    // The hooks may have set something up that only those of the end take down (runtime.md#lifecycle, steps 3 to 13).
    if (e.failure().step >= runtime::Step::kHook) run_poststop_hooks(container);
    throw;
  }
  rollback.add("cgroup", [driver = container.driver(), path = container.cgroup_path] {
    remove_group(*linux::make_cgroup(driver, path));
  });
  write_down(globals, made, arguments);
  return made;
}

// In the foreground the service's process is this one, which stays.
linux::Aside passing_on(std::optional<linux::ReadinessSocket>& readiness) {
  if (!readiness) return {};
  return {readiness->fd(), [&readiness] {
            if (!readiness->take()) return true;
            pass_on_readiness(::getpid());
            return false;
          }};
}

// A hook that fails takes the container along (runtime.md#lifecycle, step 9).
void run_poststart_hooks(const Container& container) {
  if (!container.config.hooks) return;
  try {
    runtime::run_hooks("poststart", container.config.hooks->poststart, container.hook_state("running"));
  } catch (const Error&) {
    kill_container(container);
    throw;
  }
}

// Whoever has deleted it before us may have made another one of that name since.
void forget_own(const Globals& globals, const Container& own) {
  try {
    linux::ProcessLock lock = lock_existing(globals, own.id);
    Container found = load(globals, own.id);
    if (found.pid == own.pid && found.pid_start_time == own.pid_start_time) forget(globals, own, lock);
  } catch (const Error& e) {
    if (e.kind() != Kind::kNotFound) throw;
  }
}

}  // namespace

Container container_of(const Globals& globals, const Arguments& arguments) {
  Container container;
  container.id = checked_id(arguments.word(0, "the container ID"));
  container.bundle = absolute_path(arguments.get("bundle", "."));
  std::string file = container.bundle + "/config.json";
  auto text = read_if_exists(file);
  if (!text) fail(Kind::kNotFound, "JSON specification file ", file, " not found");
  container.config = from_json<oci::RuntimeConfig>(parse_json(*text));
  runtime::validate(container.config);
  container.systemd_cgroup = globals.driver == linux::CgroupDriver::kSystemd;
  container.session_keyring = !arguments.has("no-new-keyring");
  std::string& group = container.config.linux.cgroups_path;
  if (group.empty())
    group = container.systemd_cgroup ? cat("system.slice:hull:", container.id) : cat("/", container.id);
  if (!container.systemd_cgroup && !group.starts_with('/')) group = cat("/", group);
  container.cgroup_path = group;
  if (container.config.root) {
    const auto& path = container.config.root->path;
    container.rootfs = absolute_path(path.starts_with('/') ? path : cat(container.bundle, "/", path));
  }
  return container;
}

void check_terminal(bool terminal, bool detach, const Arguments& arguments) {
  bool socket = arguments.has("console-socket");
  if (detach && terminal && !socket)
    fail_invalid("cannot allocate tty if runc will detach without setting console socket");
  if ((!detach || !terminal) && socket)
    fail_invalid("cannot use console socket if runc will not detach or allocate tty");
}

runtime::StartOptions start_options(const Globals& globals, const Container& container, const Arguments& arguments) {
  runtime::StartOptions options;
  options.cgroup_driver = container.driver();
  options.hold_before_exec = true;
  options.bundle = container.bundle;
  options.id = container.id;
  options.no_pivot = arguments.has("no-pivot");
  options.preserve_fds = preserved_descriptors(arguments);
  options.rootless = globals.rootless;
  if (container.session_keyring) options.session_keyring = cat("_ses.", container.id);
  return options;
}

void write_down(const Globals& globals, Created& made, const Arguments& arguments) {
  Container& container = made.container;
  container.pid = made.init->pid();
  container.pid_start_time = start_time_of(container.pid);
  container.created = format_rfc3339(now());
  save(globals, container);
  write_pid_file(arguments.get("pid-file"), container.pid);
  if (arguments.has("pidfd-socket")) linux::send_descriptor(arguments.get("pidfd-socket"), "pidfd", made.init->pidfd());
  if (!arguments.has("console-socket")) return;
  UniqueFd console = made.init->take_console();
  if (console) linux::send_descriptor(arguments.get("console-socket"), "/dev/ptmx", console.get());
}

int stay(const Globals& globals, Created& made, const Arguments& arguments, linux::Aside aside) {
  UniqueFd console = made.init->take_console();
  linux::attend_process(made.init->pidfd(), console.get(), std::move(aside));
  int status = linux::reap_pidfd(made.init->pidfd()).value_or(0);
  made.init->release_ownership();
  if (!arguments.has("keep")) forget_own(globals, made.container);
  return runtime::exit_code(status);
}

int verb_create(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments(kCreateFlags, std::move(words));
  arguments.expect_words("create", 1);
  Rollback rollback;
  Created made = create(globals, arguments, true, rollback);
  made.init->entrust();
  made.init->release_ownership();
  rollback.commit();
  return 0;
}

namespace {

struct Started {
  pid_t pid;
  UniqueFd process;  // a pidfd
  std::optional<linux::ReadinessSocket> readiness;
};

Started start_created(const Globals& globals, const std::string& id) {
  linux::ProcessLock lock = lock_existing(globals, id);
  Container container = load(globals, id);
  std::string status = status_of(globals, container);
  if (status == "stopped") fail(Kind::kConflict, "cannot start a container that has stopped");
  if (status != "created") fail(Kind::kConflict, "cannot start an already running container");
  auto process = linux::open_pidfd(container.pid);
  if (!process) fail(Kind::kConflict, "cannot start a container that has stopped");
  UniqueFd directory = open_file(container.directory(globals), O_PATH | O_DIRECTORY);
  auto receiver = runtime::receiver_of(container.config.linux.seccomp, container.hook_state("created"));
  receiver.pid = container.pid;
  auto readiness = listen_for_readiness(container.directory(globals));
  runtime::release_held(directory.get(), kStartSocket, process->get(), receiver);
  ::unlinkat(directory.get(), kStartSocket, 0);
  run_poststart_hooks(container);
  return {container.pid, std::move(*process), std::move(readiness)};
}

}  // namespace

int verb_start(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({}, std::move(words));
  arguments.expect_words("start", 1);
  Started started = start_created(globals, arguments.words()[0]);
  // Without the lock: a container that never gets ready can be deleted.
  if (started.readiness && started.readiness->wait(started.process.get())) pass_on_readiness(started.pid);
  return 0;
}

int verb_run(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments(kCreateFlags, std::move(words));
  arguments.expect_words("run", 1);
  bool detach = arguments.has("detach");
  if (!detach) linux::collect_signals();
  Rollback rollback;
  Created made = create(globals, arguments, false, rollback);
  auto readiness = listen_for_readiness(made.container.directory(globals));
  made.init->release();
  run_poststart_hooks(made.container);
  if (detach) made.init->release_ownership();
  rollback.commit();
  made.lock.reset();
  if (!detach) return stay(globals, made, arguments, passing_on(readiness));
  if (readiness && readiness->wait(made.init->pidfd())) pass_on_readiness(made.container.pid);
  return 0;
}

}  // namespace hull::runtime_cli
