// SPDX-License-Identifier: Apache-2.0
#include "runtime/criu.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <set>

#include "base/file.h"
#include "linux/mount_table.h"

namespace hull::runtime {

namespace {

// File systems that a cgroup namespace has to itself, although there is only one of them on the machine.
constexpr std::array<std::string_view, 2> kNamespaced = {"cgroup", "cgroup2"};

std::string read_link(const std::string& path) {
  char target[PATH_MAX];
  auto size = check(::readlink(path.c_str(), target, sizeof target), "readlink", path);
  return std::string(target, static_cast<std::size_t>(size));
}

struct stat status_of(const std::string& path) {
  struct stat info {};
  check(::stat(path.c_str(), &info), "stat", path);
  return info;
}

std::string hex(std::uint64_t number) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[number % 16]);
    number /= 16;
  } while (number > 0);
  return digits;
}

unsigned mount_id(const std::string& fdinfo) {
  std::string text = read_file(fdinfo);
  for (std::string_view line : split(text, '\n'))
    if (line.starts_with("mnt_id:")) return parse_number<unsigned>(trim(line.substr(7))).value_or(0);
  return 0;
}

// Pipes lead out of the container, and a file that was opened on the host (/dev/null) is on a mount that it does not
// have. criu wants both numbers of such a file in hexadecimal.
std::string foreign_name(pid_t pid, int number, const std::vector<linux::MountLine>& mounts) {
  std::string path = cat("/proc/", pid, "/fd/", number);
  if (!exists(path)) return {};
  std::string target = read_link(path);
  if (target.starts_with("pipe:") || target.starts_with("socket:")) return target;
  unsigned id = mount_id(cat("/proc/", pid, "/fdinfo/", number));
  if (std::ranges::find(mounts, id, &linux::MountLine::id) != mounts.end()) return {};
  return cat("file[", hex(id), ":", hex(status_of(path).st_ino), "]");
}

void add_common(std::vector<std::string>& command, const std::string& images, std::string_view log) {
  for (std::string_view word :
       {std::string_view("--images-dir"), std::string_view(images), std::string_view("--log-file"), log,
        std::string_view("-v2"), std::string_view("--manage-cgroups=ignore"), std::string_view("--file-locks"),
        std::string_view("--evasive-devices"), std::string_view("--network-lock"), std::string_view("nftables")})
    command.emplace_back(word);
}

void add(std::vector<std::string>& command, std::string_view option, std::string value) {
  command.emplace_back(option);
  command.push_back(std::move(value));
}

}  // namespace

Surroundings find_surroundings(pid_t pid) {
  Surroundings found;
  std::set<std::string> of_host;
  for (const auto& mount : linux::mounts_of("self")) of_host.insert(mount.device);
  auto mounts = linux::mounts_of(cat(pid));
  for (const auto& mount : mounts) {
    bool namespaced = std::ranges::find(kNamespaced, mount.type) != kNamespaced.end();
    if (mount.point != "/" && of_host.contains(mount.device) && !namespaced) found.mounts.push_back(mount.point);
  }
  for (int number = 0; number < 3; ++number) found.descriptors.push_back(foreign_name(pid, number, mounts));
  struct stat own = status_of("/proc/self/ns/net"), theirs = status_of(cat("/proc/", pid, "/ns/net"));
  if (own.st_ino != theirs.st_ino) found.network = cat(theirs.st_ino);
  return found;
}

std::vector<std::string> command_of(const Dump& dump) {
  std::vector<std::string> command = {dump.program, dump.memory_only ? "pre-dump" : "dump", "--tree", cat(dump.pid)};
  add_common(command, dump.images, kDumpLog);
  if (dump.leave_running) command.emplace_back("--leave-running");
  for (const std::string& point : dump.surroundings.mounts) add(command, "--external", cat("mnt[", point, "]:", point));
  for (const std::string& name : dump.surroundings.descriptors)
    if (name.starts_with("file[")) add(command, "--external", name);
  if (!dump.surroundings.network.empty())
    add(command, "--external", cat("net[", dump.surroundings.network, "]:", kNetworkName));
  command.insert(command.end(), dump.options.begin(), dump.options.end());
  return command;
}

std::vector<std::string> command_of(const Restore& restore, const std::string& directory, const std::string& root,
                                    const std::vector<Inherited>& inherited) {
  // A sibling: its parent is whoever has called criu, which the signal at the parent's end (prctl(2)) is about.
  std::vector<std::string> command = {restore.program, "restore", "--restore-detached", "--restore-sibling"};
  add_common(command, restore.images, kRestoreLog);
  add(command, "--work-dir", directory);
  add(command, "--pidfile", std::string(kRestoredPid));
  add(command, "--root", root);
  for (const std::string& mount : restore.mounts) add(command, "--external", mount);
  for (const auto& [number, name] : inherited) add(command, "--inherit-fd", cat("fd[", number, "]:", name));
  command.insert(command.end(), restore.options.begin(), restore.options.end());
  return command;
}

std::string criu_reason(std::string_view log) {
  constexpr std::string_view kError = "Error (";
  for (std::string_view line : split(log, '\n')) {
    auto at = line.find(kError);
    if (at == line.npos) continue;
    auto end = line.find("): ", at);
    return std::string(trim(end == line.npos ? line.substr(at) : line.substr(end + 3)));
  }
  return {};
}

}  // namespace hull::runtime
