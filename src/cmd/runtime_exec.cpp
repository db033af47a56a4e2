// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "linux/child.h"
#include "linux/foreground.h"
#include "linux/handshake.h"
#include "linux/pidfd.h"
#include "linux/seccomp.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"
#include "runtime/runtime.h"
#include "runtime_state.h"

namespace hull::runtime_cli {

namespace {

const std::vector<Flag> kFlags = {
    {"console-socket", "", true},
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
    {"ignore-paused", "", false},
};

std::uint32_t id_number(std::string_view text, std::string_view what) {
  auto number = parse_number<std::uint32_t>(text);
  if (!number) fail_invalid("parsing ", text, " as int for ", what, " failed");
  return *number;
}

void add_capabilities(oci::Process& process, const std::vector<std::string>& names) {
  if (names.empty()) return;
  if (!process.capabilities) process.capabilities.emplace();
  auto& sets = *process.capabilities;
  for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted})
    set->insert(set->end(), names.begin(), names.end());
}

oci::Process wanted_process(const Container& container, const Arguments& arguments) {
  if (arguments.has("process")) return from_json<oci::Process>(parse_json(read_file(arguments.get("process"))));
  oci::Process process = *container.config.process;
  process.args.assign(arguments.words().begin() + 1, arguments.words().end());
  if (process.args.empty()) fail_invalid("process args cannot be empty");
  process.terminal = arguments.has("tty");
  process.cwd = arguments.get("cwd", process.cwd);
  process.selinux_label = arguments.get("process-label", process.selinux_label);
  process.apparmor_profile = arguments.get("apparmor", process.apparmor_profile);
  if (arguments.has("no-new-privs")) process.no_new_privileges = true;
  for (const auto& variable : arguments.all("env")) process.env.push_back(variable);
  add_capabilities(process, arguments.all("cap"));
  if (arguments.has("user")) {
    std::string user_text = arguments.get("user");
    auto [user, group] = split_once(user_text, ':');
    process.user.uid = id_number(user, "uid");
    if (group) process.user.gid = id_number(*group, "gid");
  }
  for (const auto& group : arguments.all("additional-gids"))
    process.user.additional_gids.push_back(id_number(group, "gid"));
  return process;
}

}  // namespace

int verb_exec(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments(kFlags, std::move(words));
  Container container = load(globals, arguments.word(0, "the container ID"));
  std::string status = status_of(globals, container);
  if (status == "stopped") fail(Kind::kConflict, "cannot exec in a stopped container");
  if (status == "paused" && !arguments.has("ignore-paused"))
    fail(Kind::kConflict, "cannot exec in a paused container (use --ignore-paused to override)");
  oci::Process process = wanted_process(container, arguments);
  bool detach = arguments.has("detach");
  if (process.terminal && detach && !arguments.has("console-socket"))
    fail_invalid("cannot allocate tty if the runtime will detach without setting console socket");
  auto target = linux::open_pidfd(container.pid);
  if (!target) fail(Kind::kConflict, "cannot exec in a stopped container");

  runtime::ExecOptions options;
  options.cgroup_driver = container.systemd_cgroup ? linux::CgroupDriver::kSystemd : linux::CgroupDriver::kCgroupfs;
  options.cgroup_path = container.cgroup_path;
  options.preserve_fds = parse_number<unsigned>(arguments.get("preserve-fds", "0")).value_or(0);
  if (container.config.linux.seccomp) options.seccomp_program = linux::compile_seccomp(*container.config.linux.seccomp);
  if (!detach) linux::collect_signals();
  runtime::Execed execed = runtime::exec(target->get(), process, options);
  write_pid_file(arguments.get("pid-file"), execed.pid);
  if (arguments.has("console-socket") && execed.console) {
    linux::send_descriptor(arguments.get("console-socket"), "/dev/ptmx", execed.console.get());
    execed.console.reset();
  }
  if (detach) return 0;
  linux::attend_process(execed.pidfd.get(), execed.console.get());
  return runtime::exit_code(linux::reap_pidfd(execed.pidfd.get()).value_or(0));
}

}  // namespace hull::runtime_cli
