// SPDX-License-Identifier: Apache-2.0
#include "runtime_state.h"

#include <signal.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "linux/pidfd.h"
#include "linux/resctrl.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"
#include "runtime/runtime.h"

namespace hull::runtime_cli {

template <class Visitor>
void fields(Visitor& visit, Container& value) {
  visit("id", value.id);
  visit("bundle", value.bundle);
  visit("rootfs", value.rootfs);
  visit("created", value.created);
  visit("cgroupPath", value.cgroup_path);
  visit("systemdCgroup", value.systemd_cgroup);
  visit("sessionKeyring", value.session_keyring);
  visit("pid", value.pid);
  visit("pidStartTime", value.pid_start_time);
  visit("config", value.config);
}

namespace {

constexpr const char* kLock = "/lock";
constexpr const char* kState = "/state.json";

std::string directory_of(const Globals& globals, const std::string& id) {
  return cat(globals.root, "/", checked_id(id));
}

[[noreturn]] void fail_missing() { fail(Kind::kNotFound, "container does not exist"); }

linux::ProcessLock lock_part(const Globals& globals, const std::string& id, linux::ProcessLock::Part part) {
  std::string directory = directory_of(globals, id);
  if (!exists(directory + kState)) fail_missing();
  auto lock = linux::ProcessLock::take(directory + kLock, linux::ProcessLock::Wait::kYes, part);
  if (!lock) fail_missing();
  return std::move(*lock);
}

// Whoever holds the lock has to be the one that makes the directory.
std::optional<linux::ProcessLock> try_claim(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0711) < 0) {
    if (errno == EEXIST) return std::nullopt;
    throw_errno("mkdir", directory);
  }
  return linux::ProcessLock::take(directory + kLock, linux::ProcessLock::Wait::kYes);
}

// Of a process that goes between open(2) and read(2) the file is there, and has nothing to read (ESRCH).
std::optional<std::string> read_process_stat(pid_t pid) {
  try {
    return read_if_exists(cat("/proc/", pid, "/stat"));
  } catch (const Error& e) {
    if (e.code() == ESRCH) return std::nullopt;
    throw;
  }
}

}  // namespace

runtime::HookState Container::hook_state(std::string status) const {
  pid_t shown = status == "stopped" ? 0 : pid;
  return {id, std::move(status), bundle, shown, config.annotations};
}

std::string checked_id(const std::string& id) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
  if (id.empty()) fail_invalid("container id cannot be empty");
  if (id == "." || id == ".." || id.find_first_not_of(kAllowed) != std::string::npos || id.size() > 255)
    fail_invalid("invalid container ID format: ", quoted(id));
  return id;
}

Container load(const Globals& globals, const std::string& id) {
  auto text = read_if_exists(directory_of(globals, id) + kState);
  if (!text) fail_missing();
  return from_json<Container>(parse_json(*text));
}

void save(const Globals& globals, const Container& container) {
  write_file_atomically(container.directory(globals) + kState, dump_json(to_json(container)), 0600,
                        Durability::kProcessCrash);
}

linux::ProcessLock claim(const Globals& globals, const Container& container) {
  make_directories(globals.root, 0711);
  std::string directory = directory_of(globals, container.id);
  auto lock = try_claim(directory);
  if (!lock && remove_abandoned(globals, container.id)) lock = try_claim(directory);
  // While we waited for the lock of our directory somebody may have taken it for an abandoned one.
  if (!lock || exists(directory + kState)) fail(Kind::kConflict, "container with given ID already exists");
  write_all(lock->fd(), cat(container.systemd_cgroup ? "systemd" : "cgroupfs", " ", container.cgroup_path));
  return std::move(*lock);
}

linux::ProcessLock lock_existing(const Globals& globals, const std::string& id) {
  return lock_part(globals, id, linux::ProcessLock::Part::kFirst);
}

linux::ProcessLock lock_group(const Globals& globals, const std::string& id) {
  return lock_part(globals, id, linux::ProcessLock::Part::kSecond);
}

bool remove_abandoned(const Globals& globals, const std::string& id) {
  std::string directory = directory_of(globals, id);
  auto lock = linux::ProcessLock::take(directory + kLock, linux::ProcessLock::Wait::kNo);
  if (!lock || exists(directory + kState)) return false;
  std::string left = read_all(lock->fd());
  auto [driver, path] = split_once(left, ' ');
  if (path && !path->empty()) {
    auto kind = driver == "systemd" ? linux::CgroupDriver::kSystemd : linux::CgroupDriver::kCgroupfs;
    remove_group(*linux::make_cgroup(kind, std::string(*path)));
  }
  remove_tree(directory);
  return true;
}

std::uint64_t start_time_of(pid_t pid) {
  auto stat = read_process_stat(pid);
  if (!stat) return 0;
  std::string_view rest(*stat);
  rest.remove_prefix(std::min(rest.size(), rest.rfind(')') + 2));
  auto columns = split(rest, ' ');  // from the third column of proc(5) on
  if (columns.size() < 20 || columns[0] == "Z" || columns[0] == "X") return 0;
  return parse_number<std::uint64_t>(columns[19]).value_or(0);
}

pid_t live_pid(const Container& container) {
  std::uint64_t started = start_time_of(container.pid);
  return started != 0 && started == container.pid_start_time ? container.pid : 0;
}

std::string status_of(const Globals& globals, const Container& container) {
  if (live_pid(container) == 0) return "stopped";
  if (exists(cat(container.directory(globals), "/", kStartSocket))) return "created";
  auto group = container.cgroup();
  return group->exists() && group->frozen() ? "paused" : "running";
}

void remove_group(linux::Cgroup& group) {
  constexpr int kTries = 5;
  for (int tries = 1; group.exists(); ++tries) {
    group.kill_all();
    try {
      return group.remove();
    } catch (const Error& e) {
      if (e.code() != EBUSY || tries == kTries) throw;
    }
  }
}

void kill_container(const Container& container) {
  constexpr int kPatienceMilliseconds = 10'000;
  auto group = container.cgroup();
  if (group->exists()) group->kill_all();
  pid_t pid = live_pid(container);
  auto process = pid ? linux::open_pidfd(pid) : std::nullopt;
  if (!process) return;
  linux::signal_pidfd(process->get(), SIGKILL);
  if (!linux::pidfd_ended(process->get(), kPatienceMilliseconds))
    fail(Kind::kInternal, "the first process of container ", container.id, " still runs ten seconds after SIGKILL");
}

void run_poststop_hooks(const Container& container) {
  if (!container.config.hooks) return;
  for (const auto& failure : runtime::run_every_hook(container.config.hooks->poststop, container.hook_state("stopped")))
    log::warn(failure);
}

void forget(const Globals& globals, const Container& container, const linux::ProcessLock& lock) {
  lock.extend(linux::ProcessLock::Part::kSecond);
  remove_group(*container.cgroup());
  if (container.config.linux.intel_rdt) linux::ResctrlGroup(*container.config.linux.intel_rdt, container.id).remove();
  remove_tree(container.directory(globals));
  run_poststop_hooks(container);
}

void print_line(const std::string& text) { write_all(STDOUT_FILENO, text + "\n"); }

}  // namespace hull::runtime_cli
