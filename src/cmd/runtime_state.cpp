// SPDX-License-Identifier: Apache-2.0
#include "runtime_state.h"

#include <filesystem>

#include "base/file.h"
#include "linux/pidfd.h"
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
  visit("pid", value.pid);
  visit("pidStartTime", value.pid_start_time);
  visit("config", value.config);
}

std::unique_ptr<linux::Cgroup> Container::cgroup() const {
  return linux::make_cgroup(systemd_cgroup ? linux::CgroupDriver::kSystemd : linux::CgroupDriver::kCgroupfs,
                            cgroup_path);
}

std::string checked_id(const std::string& id) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
  if (id.empty() || id == "." || id == ".." || id.find_first_not_of(kAllowed) != std::string::npos || id.size() > 1024)
    fail_invalid("invalid container ID format: ", quoted(id));
  return id;
}

Container load(const Globals& globals, const std::string& id) {
  auto text = read_if_exists(cat(globals.root, "/", checked_id(id), "/state.json"));
  if (!text) fail(Kind::kNotFound, "container does not exist");
  return from_json<Container>(parse_json(*text));
}

void save(const Globals& globals, const Container& container) {
  write_file_atomically(container.directory(globals) + "/state.json", dump_json(to_json(container)), 0600,
                        Durability::kProcessCrash);
}

std::uint64_t start_time_of(pid_t pid) {
  auto stat = read_if_exists(cat("/proc/", pid, "/stat"));
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

void forget(const Globals& globals, const Container& container) {
  auto group = container.cgroup();
  if (group->exists()) {
    group->kill_all();
    group->remove();
  }
  remove_tree(container.directory(globals));
  if (container.config.hooks)
    runtime::run_hooks(container.config.hooks->poststop,
                       {container.id, "stopped", container.bundle, 0, container.config.annotations});
}

void write_pid_file(const std::string& path, pid_t pid) {
  if (!path.empty()) write_file_atomically(path, cat(pid), 0666, Durability::kProcessCrash);
}

std::string absolute_path(const std::string& path) {
  std::string absolute = std::filesystem::absolute(path).lexically_normal().string();
  if (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  return absolute;
}

}  // namespace hull::runtime_cli
