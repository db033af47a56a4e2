// SPDX-License-Identifier: Apache-2.0
#include "runtime/validate.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "linux/mount_options.h"
#include "linux/namespaces.h"
#include "linux/rlimit.h"
#include "linux/root_dir.h"

namespace hull::runtime {

namespace {

// execve(2), mount(2) and the rest would take the part before it.
void refuse_nul(const std::string& field, const std::string& text) {
  if (text.find('\0') != std::string::npos) fail_invalid(field, ": ", quoted(text), " has a NUL character in it");
}

void need_absolute(const std::string& field, const std::string& path) {
  refuse_nul(field, path);
  if (!path.starts_with('/')) fail_invalid(field, ": ", quoted(path), " is not an absolute path");
}

std::string item(std::string_view field, std::size_t index, std::string_view member = {}) {
  return cat(field, "[", index, "]", member.empty() ? "" : ".", member);
}

void check_mappings(const std::string& field, const std::vector<oci::IdMapping>& mappings) {
  constexpr std::size_t kMost = 340;  // user_namespaces(7)
  if (mappings.size() > kMost) fail_invalid(field, ": there can be ", kMost, " mappings at most");
  for (std::size_t i = 0; i < mappings.size(); ++i)
    if (mappings[i].size == 0) fail_invalid(item(field, i, "size"), ": must not be 0");
}

void check_mounts(const std::vector<oci::Mount>& mounts) {
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const auto& mount = mounts[i];
    refuse_nul(item("mounts", i, "destination"), mount.destination);
    if (mount.destination.empty()) fail_invalid(item("mounts", i, "destination"), ": must not be empty");
    if (linux::clean_path(mount.destination) == "/")
      fail_invalid(item("mounts", i, "destination"), ": nothing can be mounted on /");
    for (const std::string* text : {&mount.source, &mount.type}) refuse_nul(item("mounts", i), *text);
    for (const auto& option : mount.options) refuse_nul(item("mounts", i, "options"), option);
    bool bind = mount.type == "bind" || linux::parse_mount_options(mount.options).bind;
    if (bind && mount.source.empty()) fail_invalid(item("mounts", i, "source"), ": a bind mount needs one");
    if (!bind && mount.type.empty()) fail_invalid(item("mounts", i, "type"), ": must not be empty");
    check_mappings(item("mounts", i, "uidMappings"), mount.uid_mappings);
    check_mappings(item("mounts", i, "gidMappings"), mount.gid_mappings);
    if (mount.uid_mappings.empty() != mount.gid_mappings.empty())
      fail_invalid(item("mounts", i), ": uidMappings and gidMappings belong together");
  }
}

void check_hooks(const oci::Hooks& hooks) {
  const struct {
    std::string_view name;
    const std::vector<oci::Hook>& list;
  } all[] = {{"hooks.prestart", hooks.prestart},
             {"hooks.createRuntime", hooks.create_runtime},
             {"hooks.createContainer", hooks.create_container},
             {"hooks.startContainer", hooks.start_container},
             {"hooks.poststart", hooks.poststart},
             {"hooks.poststop", hooks.poststop}};
  for (const auto& [name, list] : all) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      need_absolute(item(name, i, "path"), list[i].path);
      if (list[i].timeout && *list[i].timeout <= 0)
        fail_invalid(item(name, i, "timeout"), ": must be greater than zero");
    }
  }
}

void check_namespaces(const oci::Linux& linux) {
  std::set<std::string> seen;
  const auto& list = linux.namespaces;
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::string field = item("linux.namespaces", i, "type");
    if (!linux::namespace_flag(list[i].type)) fail_invalid(field, ": unknown namespace ", quoted(list[i].type));
    if (!seen.insert(list[i].type).second) fail_invalid(field, ": ", quoted(list[i].type), " is given twice");
    if (!list[i].path.empty()) need_absolute(item("linux.namespaces", i, "path"), list[i].path);
  }
  if (!linux.time_offsets.empty() && !seen.contains("time"))
    fail_invalid("linux.timeOffsets: the container has no time namespace");
  for (const auto& [clock, offset] : linux.time_offsets)
    if (clock != "monotonic" && clock != "boottime")
      fail_invalid("linux.timeOffsets: there is no offset for the clock ", quoted(clock));
  bool maps = !linux.uid_mappings.empty() || !linux.gid_mappings.empty();
  if (maps && !seen.contains("user"))
    fail_invalid(
        "linux.uidMappings: User namespace mappings specified, but user namespace isn't enabled in the config");
}

void check_devices(const std::vector<oci::Device>& devices) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto& device = devices[i];
    need_absolute(item("linux.devices", i, "path"), device.path);
    if (device.type.size() != 1 || std::string_view("cbup").find(device.type) == std::string_view::npos)
      fail_invalid(item("linux.devices", i, "type"), ": unknown device type ", quoted(device.type));
    if (device.major < 0 || device.minor < 0)
      fail_invalid(item("linux.devices", i), ": ", device.major, ":", device.minor, " is no device number");
  }
}

void check_device_rules(const std::vector<oci::DeviceRule>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& rule = rules[i];
    if (rule.type.size() > 1 || std::string_view("acb").find(rule.type) == std::string_view::npos)
      fail_invalid(item("linux.resources.devices", i, "type"), ": unknown device type ", quoted(rule.type));
    if (rule.access.find_first_not_of("rwm") != std::string::npos)
      fail_invalid(item("linux.resources.devices", i, "access"), ": ", quoted(rule.access), " is not of r, w and m");
  }
}

void check_linux(const oci::Linux& linux) {
  check_namespaces(linux);
  check_mappings("linux.uidMappings", linux.uid_mappings);
  check_mappings("linux.gidMappings", linux.gid_mappings);
  check_devices(linux.devices);
  if (linux.resources) check_device_rules(linux.resources->devices);
  refuse_nul("linux.cgroupsPath", linux.cgroups_path);
  if (!linux.rootfs_propagation.empty() && !linux::propagation_flag(linux.rootfs_propagation))
    fail_invalid("linux.rootfsPropagation: unknown propagation ", quoted(linux.rootfs_propagation));
  for (std::size_t i = 0; i < linux.masked_paths.size(); ++i)
    need_absolute(item("linux.maskedPaths", i), linux.masked_paths[i]);
  for (std::size_t i = 0; i < linux.readonly_paths.size(); ++i)
    need_absolute(item("linux.readonlyPaths", i), linux.readonly_paths[i]);
  for (const auto& [name, value] : linux.sysctl) {
    refuse_nul("linux.sysctl", name);
    if (cat("/", name, "/").find("/../") != std::string::npos || name.starts_with('/'))
      fail_invalid("linux.sysctl: ", quoted(name), " is not the name of a sysctl");
  }
}

}  // namespace

void validate(const oci::Process& process) {
  if (process.cwd.empty()) fail_invalid("process.cwd: Cwd property must not be empty");
  refuse_nul("process.cwd", process.cwd);
  if (!process.cwd.starts_with('/')) fail_invalid("process.cwd: Cwd must be an absolute path");
  if (process.args.empty()) fail_invalid("process.args: args must not be empty");
  for (std::size_t i = 0; i < process.args.size(); ++i) refuse_nul(item("process.args", i), process.args[i]);
  for (std::size_t i = 0; i < process.env.size(); ++i) refuse_nul(item("process.env", i), process.env[i]);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < process.rlimits.size(); ++i) {
    const auto& limit = process.rlimits[i];
    std::string field = item("process.rlimits", i, "type");
    if (!linux::rlimit_number(limit.type)) fail_invalid(field, ": invalid rlimit type: ", quoted(limit.type));
    if (!seen.insert(limit.type).second) fail_invalid(field, ": ", limit.type, " is given twice");
  }
  if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000))
    fail_invalid("process.oomScoreAdj: ", *process.oom_score_adj, " is not between -1000 and 1000");
}

void validate(const oci::RuntimeConfig& config) {
  std::string_view major = split_once(config.oci_version, '.').first;
  if (major != "0" && major != "1")
    fail_invalid("ociVersion: ", quoted(config.oci_version), " is not a version that this runtime knows");
  if (config.process) validate(*config.process);
  if (!config.root || config.root->path.empty()) fail_invalid("root.path: must not be empty");
  refuse_nul("root.path", config.root->path);
  check_mounts(config.mounts);
  if (config.hooks) check_hooks(*config.hooks);
  check_linux(config.linux);
}

}  // namespace hull::runtime
