// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <string.h>

#include <algorithm>

#include "base/file.h"
#include "linux/pidfd.h"
#include "runtime_state.h"

namespace hull::runtime_cli {

namespace {

int signal_number(const std::string& text) {
  if (auto number = parse_number<int>(text); number && *number >= 0 && *number < NSIG) return *number;
  std::string name = upper(text);
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int number = 1; number < NSIG; ++number)
    if (const char* known = ::sigabbrev_np(number); known && name == known) return number;
  if (name.starts_with("RTMIN")) {
    auto more = name.size() == 5 ? 0 : parse_number<int>(std::string_view(name).substr(6)).value_or(-1);
    if (more >= 0 && SIGRTMIN + more <= SIGRTMAX) return SIGRTMIN + more;
  }
  fail_invalid("unknown signal ", quoted(text));
}

bool has_own_pids(const Container& container) {
  return std::ranges::any_of(container.config.linux.namespaces,
                             [](const auto& one) { return one.type == "pid" && one.path.empty(); });
}

// Whether there was anybody.
bool signal_all(const Container& container, int signal) {
  auto group = container.cgroup();
  if (!group->exists()) return false;
  bool sent = false;
  for (pid_t pid : group->processes())
    if (auto process = linux::open_pidfd(pid)) sent |= linux::signal_pidfd(process->get(), signal);
  return sent;
}

std::string only_id(std::string_view verb, std::vector<std::string> words) {
  Arguments arguments({}, std::move(words));
  arguments.expect_words(verb, 1);
  return arguments.words()[0];
}

}  // namespace

int verb_kill(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({{"all", "a", false}}, std::move(words));
  arguments.expect_words("kill", 1, 2);
  int signal = signal_number(arguments.words().size() > 1 ? arguments.words()[1] : "SIGTERM");
  std::optional<linux::ProcessLock> lock;
  if (arguments.has("all") || signal == SIGKILL) lock = lock_group(globals, arguments.words()[0]);
  Container container = load(globals, arguments.words()[0]);
  pid_t pid = live_pid(container);
  // Without a PID namespace of its own nobody takes the other processes along, which may have outlived the first one.
  bool everyone = arguments.has("all") || (signal == SIGKILL && !has_own_pids(container));
  bool others_sent = everyone && signal_all(container, signal);
  auto process = pid ? linux::open_pidfd(pid) : std::nullopt;
  bool sent = process && linux::signal_pidfd(process->get(), signal);
  if (!sent && !others_sent && !arguments.has("all")) fail(Kind::kConflict, "container not running");
  // A process that is frozen by version 1 does not even die.
  if (sent && signal == SIGKILL && status_of(globals, container) == "paused") container.cgroup()->thaw();
  return 0;
}

int verb_delete(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({{"force", "f", false}}, std::move(words));
  arguments.expect_words("delete", 1);
  std::string id = checked_id(arguments.words()[0]);
  bool force = arguments.has("force");
  if (!exists(cat(globals.root, "/", id, "/state.json"))) {
    remove_abandoned(globals, id);
    if (force) return 0;
  }
  // Before the lock: a start whose hooks never end would keep it.
  if (force) {
    try {
      kill_container(load(globals, id));
    } catch (const Error& e) {
      if (e.kind() == Kind::kNotFound) return 0;
      throw;
    }
  }
  std::optional<linux::ProcessLock> lock;
  try {
    lock = lock_existing(globals, id);
  } catch (const Error& e) {
    if (e.kind() == Kind::kNotFound && force) return 0;  // somebody else was quicker
    throw;
  }
  Container container = load(globals, id);
  std::string status = status_of(globals, container);
  if (status != "stopped" && status != "created" && !force)
    fail(Kind::kConflict, "cannot delete container ", id, " that is not stopped: ", status);
  if (status != "stopped") kill_container(container);
  forget(globals, container, *lock);
  return 0;
}

int verb_pause(const Globals& globals, std::vector<std::string> words) {
  std::string id = only_id("pause", std::move(words));
  linux::ProcessLock lock = lock_group(globals, id);
  Container container = load(globals, id);
  std::string status = status_of(globals, container);
  if (status != "running" && status != "created") fail(Kind::kConflict, "container not running: ", status);
  container.cgroup()->freeze();
  return 0;
}

int verb_resume(const Globals& globals, std::vector<std::string> words) {
  std::string id = only_id("resume", std::move(words));
  linux::ProcessLock lock = lock_group(globals, id);
  Container container = load(globals, id);
  if (status_of(globals, container) != "paused") fail(Kind::kConflict, "container not paused");
  container.cgroup()->thaw();
  return 0;
}

}  // namespace hull::runtime_cli
