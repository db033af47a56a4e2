// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include "base/file.h"
#include "linux/child.h"
#include "linux/foreground.h"
#include "linux/handshake.h"
#include "linux/own_process.h"
#include "linux/pidfd.h"
#include "linux/seccomp.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"
#include "runtime/runtime.h"
#include "runtime/validate.h"
#include "runtime_create.h"
#include "runtime_files.h"

namespace hull::runtime_cli {

namespace {

const std::vector<Flag> kFlags = {
    {"console-socket", "", true},
    {"pidfd-socket", "", true},
    {"cwd", "", true},
    {"env", "e", true},
    {"tty", "t", false},
    {"user", "u", true},
    {"process", "p", true},
    {"additional-gids", "g", true},
    {"detach", "d", false},
    {"pid-file", "", true},
    {"process-label", "", true},
    {"apparmor", "", true},
    {"no-new-privs", "", false},
    {"cap", "c", true},
    {"preserve-fds", "", true},
    {"cgroup", "", true},
    {"ignore-paused", "", false},
};

std::uint32_t id_number(std::string_view text, std::string_view what) {
  auto number = parse_number<std::uint32_t>(text);
  if (!number) fail_invalid("parsing ", text, " as int for ", what, " failed");
  return *number;
}

// Ambient ones are of no use to a process that may not inherit any.
void add_capabilities(oci::Process& process, const std::vector<std::string>& names) {
  if (names.empty()) return;
  if (!process.capabilities) process.capabilities.emplace();
  auto& sets = *process.capabilities;
  for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted})
    set->insert(set->end(), names.begin(), names.end());
  if (!sets.inheritable.empty()) sets.ambient.insert(sets.ambient.end(), names.begin(), names.end());
}

void change_user(oci::User& user, const std::string& text) {
  auto [uid, gid] = split_once(text, ':');
  user.uid = id_number(uid, "uid");
  if (gid) user.gid = id_number(*gid, "gid");
}

oci::Process wanted_process(const Container& container, const Arguments& arguments) {
  if (arguments.has("process")) return from_json<oci::Process>(parse_json(read_file(arguments.get("process"))));
  if (arguments.words().size() < 2) fail_invalid("exec args cannot be empty");
  oci::Process process = *container.config.process;
  process.args.assign(arguments.words().begin() + 1, arguments.words().end());
  process.terminal = arguments.has("tty");
  process.cwd = arguments.get("cwd", process.cwd);
  process.selinux_label = arguments.get("process-label", process.selinux_label);
  process.apparmor_profile = arguments.get("apparmor", process.apparmor_profile);
  if (arguments.has("no-new-privs")) process.no_new_privileges = true;
  for (const auto& variable : arguments.all("env")) process.env.push_back(variable);
  add_capabilities(process, arguments.all("cap"));
  if (arguments.has("user")) change_user(process.user, arguments.get("user"));
  for (const auto& group : arguments.all("additional-gids"))
    process.user.additional_gids.push_back(id_number(group, "gid"));
  return process;
}

// "[<controller>[,…]:]<group>"; without controllers it is the only one.
linux::Cgroup::Below sub_cgroups(const std::vector<std::string>& texts) {
  linux::Cgroup::Below groups;
  for (const auto& text : texts) {
    auto colon = text.find(':');
    if (colon == std::string::npos) {
      if (texts.size() != 1) fail_invalid("invalid --cgroup argument: ", text, " (missing <controller>: prefix)");
      groups.emplace("", text);
      continue;
    }
    for (std::string_view controller : split(std::string_view(text).substr(0, colon), ',')) {
      if (controller.empty()) fail_invalid("invalid --cgroup argument: ", text, " (empty <controller> prefix)");
      if (!groups.emplace(controller, text.substr(colon + 1)).second)
        fail_invalid("invalid --cgroup argument(s): controller ", controller, " specified multiple times");
    }
  }
  return groups;
}

runtime::ExecOptions exec_options(const Globals& globals, const Container& container, const Arguments& arguments) {
  const oci::Linux& linux_part = container.config.linux;
  runtime::ExecOptions options;
  options.cgroup_driver = container.driver();
  options.cgroup_path = container.cgroup_path;
  options.sub_cgroups = sub_cgroups(arguments.all("cgroup"));
  options.uid_mappings = linux_part.uid_mappings;
  options.preserve_fds = preserved_descriptors(arguments);
  options.rootless = globals.rootless;
  options.plain_newlines = !arguments.has("detach");
  if (container.session_keyring) options.session_keyring = cat("_ses.", container.id);
  if (linux_part.personality) options.personality = &*linux_part.personality;
  if (linux_part.memory_policy) options.memory_policy = &*linux_part.memory_policy;
  if (linux_part.seccomp) {
    options.seccomp_program = linux::compile_seccomp(*linux_part.seccomp);
    options.seccomp_flags = linux::seccomp_flags(*linux_part.seccomp);
    if (linux::seccomp_announces(*linux_part.seccomp))
      options.seccomp_receiver = runtime::receiver_of(linux_part.seccomp, container.hook_state("running"));
  }
  return options;
}

// Whoever kills a container may be at it: its processes do not end all at once, and with control groups of version 1
// they are frozen for that. The first one waits for all others of its PID namespace: also for one of ours that nobody
// has told us of, because the helper was killed.
bool is_ending(int target) {
  constexpr int kTries = 20, kEachMilliseconds = 50;
  for (int tries = 0; tries < kTries; ++tries) {
    while (linux::reap_any_child()) continue;
    if (linux::pidfd_ended(target, kEachMilliseconds)) return true;
  }
  return false;
}

// No lock: a container that ends meanwhile, or is deleted, takes along what has come in, and the exec has failed.
runtime::Execed enter(int target, const oci::Process& process, const runtime::ExecOptions& options) {
  try {
    return runtime::exec(target, process, options);
  } catch (const runtime::StartError& e) {
    bool of_program = e.kind() == Kind::kInvalidArgument && e.code() != 0;
    if (!of_program && is_ending(target)) fail(Kind::kConflict, "cannot exec in a stopped container");
    throw;
  }
}

void hand_over(runtime::Execed& execed, const Arguments& arguments) {
  write_pid_file(arguments.get("pid-file"), execed.pid);
  if (arguments.has("pidfd-socket")) linux::send_descriptor(arguments.get("pidfd-socket"), "pidfd", execed.pidfd.get());
  if (!arguments.has("console-socket") || !execed.console) return;
  linux::send_descriptor(arguments.get("console-socket"), "/dev/ptmx", execed.console.get());
  execed.console.reset();
}

}  // namespace

int verb_exec(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments(kFlags, std::move(words), Flags::kInFront);
  arguments.expect_words("exec", 1, SIZE_MAX);
  Container container = load(globals, arguments.words()[0]);
  std::string status = status_of(globals, container);
  if (status == "stopped") fail(Kind::kConflict, "cannot exec in a stopped container");
  auto target = linux::open_pidfd(container.pid);
  if (!target || live_pid(container) == 0) fail(Kind::kConflict, "cannot exec in a stopped container");
  if (status == "paused" && !arguments.has("ignore-paused"))
    fail(Kind::kConflict, is_ending(target->get())
                              ? "cannot exec in a stopped container"
                              : "cannot exec in a paused container (use --ignore-paused to override)");
  oci::Process process = wanted_process(container, arguments);
  runtime::validate(process);
  bool detach = arguments.has("detach");
  check_terminal(process.terminal, detach, arguments);
  runtime::ExecOptions options = exec_options(globals, container, arguments);
  if (!detach) linux::collect_signals();
  runtime::Execed execed = enter(target->get(), process, options);
  hand_over(execed, arguments);
  if (detach) return 0;
  linux::attend_process(execed.pidfd.get(), execed.console.get());
  return runtime::exit_code(linux::reap_pidfd(execed.pidfd.get()).value_or(0));
}

}  // namespace hull::runtime_cli
