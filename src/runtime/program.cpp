// SPDX-License-Identifier: Apache-2.0
#include "runtime/program.h"

#include <algorithm>
#include <set>

#include "base/file.h"
#include "linux/capabilities.h"
#include "linux/child.h"
#include "linux/credentials.h"
#include "linux/rlimit.h"
#include "linux/scheduling.h"
#include "linux/seccomp.h"
#include "runtime/launch.h"

namespace hull::runtime {

namespace {

using linux::CapabilitySet;

std::string_view environment_value(const oci::Process& process, std::string_view name) {
  std::string_view found;
  for (std::string_view entry : process.env)
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      found = entry.substr(name.size() + 1);
  return found;
}

// The home directory of a user id in the container's own /etc/passwd; "/" for an unknown one.
std::string home_of(std::uint32_t uid) {
  std::string passwd = read_if_exists("/etc/passwd").value_or("");
  for (auto line : split(passwd, '\n')) {
    auto columns = split(line, ':');
    if (columns.size() > 5 && parse_number<std::uint32_t>(columns[2]) == uid && !columns[5].empty())
      return std::string(columns[5]);
  }
  return "/";
}

// Of several entries with one name the last counts, and getenv(3) finds the first: only that one is passed on.
std::vector<std::string> without_repetitions(const std::vector<std::string>& entries) {
  std::set<std::string_view> names;
  std::vector<std::string> kept;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
    if (names.insert(split_once(*entry, '=').first).second) kept.push_back(*entry);
  std::ranges::reverse(kept);
  return kept;
}

std::vector<std::string> complete_environment(const oci::Process& process) {
  auto environment = without_repetitions(process.env);
  std::erase(environment, "HOME=");  // no directory is no answer
  bool has_home = std::ranges::any_of(environment, [](const auto& entry) { return entry.starts_with("HOME="); });
  if (!has_home) environment.push_back(cat("HOME=", home_of(process.user.uid)));
  return environment;
}

[[noreturn]] void refuse_program(const std::string& name, std::string_view why, int code) {
  throw Error(Kind::kInvalidArgument, cat("exec: ", quoted(name), ": ", why), code, "exec");
}

// Where the program is, as the shell's and Go's look-up find it.
std::string find_program(const oci::Process& process) {
  const std::string& name = process.args.front();
  if (name.find('/') != std::string::npos) {
    switch (linux::examine_executable(name)) {
      case linux::Executable::kYes: return name;
      case linux::Executable::kDirectory: refuse_program(name, "is a directory", EISDIR);
      case linux::Executable::kDenied: refuse_program(name, "permission denied", EACCES);
      case linux::Executable::kMissing: refuse_program(name, cat("stat ", name, ": no such file or directory"), ENOENT);
    }
  }
  if (!name.empty()) {
    for (auto directory : split(environment_value(process, "PATH"), ':')) {
      std::string path = cat(directory.empty() ? "." : directory, "/", name);
      if (linux::examine_executable(path) == linux::Executable::kYes) return path;
    }
  }
  refuse_program(name, "executable file not found in $PATH", ENOENT);
}

struct WantedCapabilities {
  CapabilitySet bounding = 0, effective = 0, permitted = 0, inheritable = 0, ambient = 0;
};

// What the engine itself lacks cannot be given; a container with fewer capabilities is better than none, as in runc.
WantedCapabilities wanted_capabilities(const oci::Process& process) {
  WantedCapabilities wanted;
  if (!process.capabilities) return wanted;
  const auto& given = *process.capabilities;
  CapabilitySet available = linux::permitted_capabilities();
  wanted.bounding = linux::capability_set(given.bounding);
  wanted.permitted = linux::capability_set(given.permitted) & available;
  wanted.effective = linux::capability_set(given.effective) & wanted.permitted;
  wanted.inheritable = linux::capability_set(given.inheritable) & available;
  wanted.ambient = linux::capability_set(given.ambient) & wanted.permitted & wanted.inheritable;
  return wanted;
}

bool enter_working_directory(const std::string& path) {
  try {
    linux::change_directory(path);
    return true;
  } catch (const Error& e) {
    // The user may be allowed to what root is not (NFS): tried again as the user.
    if (e.code() == EACCES) return false;
    throw;
  }
}

void set_limits(const Program& program, Progress& progress) {
  const auto& process = program.process;
  if (!program.limits_are_set) {
    for (const auto& limit : process.rlimits) {
      progress.at(Step::kRlimit, limit.type);
      linux::set_rlimit(0, limit);
    }
  }
  progress.at(Step::kScheduling);
  if (process.scheduler) linux::set_scheduler(*process.scheduler);
  if (process.io_priority) linux::set_io_priority(*process.io_priority);
  if (program.memory_policy) linux::set_memory_policy(*program.memory_policy);
  if (program.personality) linux::set_personality(*program.personality);
}

void change_user(const Program& program, const WantedCapabilities& wanted, Progress& progress) {
  const auto& process = program.process;
  progress.at(Step::kWorkingDirectory, process.cwd);
  bool entered = enter_working_directory(process.cwd);
  progress.at(Step::kCapabilities);
  linux::limit_bounding_set(wanted.bounding);
  progress.at(Step::kUser, cat(process.user.uid, ":", process.user.gid));
  linux::keep_capabilities_over_setuid(true);
  if (process.user.uid != 0 && !process.terminal) linux::own_stdio(process.user.uid);
  linux::set_user(process.user.uid, process.user.gid, process.user.additional_gids, groups_of(program.rootless));
  linux::set_umask(process.user.umask.value_or(0022));
  if (!entered) {
    progress.at(Step::kWorkingDirectory, process.cwd);
    linux::change_directory(process.cwd);
  }
}

void load_filter(const Program& program) {
  if (!program.seccomp_announces) return linux::load_seccomp_program(program.seccomp, program.seccomp_flags);
  const linux::Handshake& channel = program.listener_channel();
  UniqueFd listener = linux::load_seccomp_listener(program.seccomp, program.seccomp_flags);
  if (!channel.ask_plainly(static_cast<char>(Tell::kListener), cat(listener.get())))
    fail(Kind::kInternal, "nobody is there to pass on the seccomp listener");
}

}  // namespace

void set_oom_score(const linux::Procfs& host, const std::string& process, int value) {
  std::string path = cat(process, "/oom_score_adj");
  UniqueFd file = host.open(path, O_WRONLY);
  std::string text = cat(value);
  if (::write(file.get(), text.data(), text.size()) >= 0) return;
  if (errno == EACCES)
    throw Error(Kind::kInternal, cat("permission denied: the engine lacks CAP_SYS_RESOURCE to lower it below its own"),
                EACCES, "write");
  throw_errno("write", path);
}

void take_terminal(const linux::Pty& pty, const oci::Process& process) {
  if (process.console_size)
    linux::set_window_size(pty.master.get(), static_cast<std::uint16_t>(process.console_size->height),
                           static_cast<std::uint16_t>(process.console_size->width));
  linux::make_controlling_terminal(pty.slave.get());
  linux::set_stdio(pty.slave.get(), pty.slave.get(), pty.slave.get());
  if (process.user.uid != 0) linux::own_stdio(process.user.uid);
}

void give_streams(const oci::Process& process, const std::vector<oci::IdMapping>& mappings,
                  std::initializer_list<int> streams) {
  if (process.terminal) return;
  std::uint32_t uid = process.user.uid;
  for (const auto& mapping : mappings)
    if (uid >= mapping.container_id && uid - mapping.container_id < mapping.size)
      linux::own_streams(streams, mapping.host_id + (uid - mapping.container_id));
}

void become(const Program& program, Progress& progress) {
  const auto& process = program.process;
  set_limits(program, progress);
  auto environment = complete_environment(process);
  WantedCapabilities wanted = wanted_capabilities(process);
  change_user(program, wanted, progress);

  progress.at(Step::kSecurityLabel);
  program.label.apply();
  if (process.no_new_privileges) linux::set_no_new_privileges();
  linux::close_on_exec_from(3 + program.preserve_fds);
  // With the container's user and capabilities its other processes could look at this one, which has the host's
  // descriptors and program still.
  if (!program.rootless) linux::hide_from_others();

  // Without no_new_privs only CAP_SYS_ADMIN may load a filter, so it is kept for that one call.
  bool filter_needs_admin = !program.seccomp.empty() && !process.no_new_privileges;
  progress.at(Step::kCapabilities);
  CapabilitySet until_filter = filter_needs_admin ? linux::kCapSysAdmin : 0;
  linux::set_capabilities(wanted.effective | until_filter, wanted.permitted | until_filter, wanted.inheritable);
  linux::set_ambient_capabilities(wanted.ambient);
  linux::keep_capabilities_over_setuid(false);
  // With the capabilities that the kernel will see at execve.
  progress.at(Step::kExec, process.args.front());
  std::string path = find_program(process);
  if (program.die_with_parent) {
    linux::die_with_parent();
    if (program.parent_is_gone && program.parent_is_gone()) ::_exit(1);
  }
  auto load_last = [&] {
    if (!program.seccomp_announces && !program.seccomp.empty()) load_filter(program);
    if (filter_needs_admin) linux::set_capabilities(wanted.effective, wanted.permitted, wanted.inheritable);
  };
  if (program.before_exec) program.before_exec({environment, load_last});

  if (!program.seccomp.empty()) {
    progress.at(Step::kSeccomp);
    load_filter(program);
    if (filter_needs_admin) linux::set_capabilities(wanted.effective, wanted.permitted, wanted.inheritable);
  }
  progress.at(Step::kExec, process.args.front());
  int code = linux::execute(path, process.args, environment);
  throw Error(Kind::kInvalidArgument, cat("exec ", path, ": ", lower_errno_text(code)), code, "exec");
}

}  // namespace hull::runtime
