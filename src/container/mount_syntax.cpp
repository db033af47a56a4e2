// SPDX-License-Identifier: Apache-2.0
#include "container/mount_syntax.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"
#include "container/id_map.h"
#include "container/path_text.h"

namespace hull::container {

namespace {

constexpr std::string_view kDefaultPropagation = "rprivate";

enum class Group : unsigned char { kAccess, kLabel, kPropagation, kCopy, kConsistency };
struct Option {
  std::string_view name;
  Group group;
};
constexpr std::array<Option, 14> kBindOptions = {{{"ro", Group::kAccess},
                                                  {"rw", Group::kAccess},
                                                  {"z", Group::kLabel},
                                                  {"Z", Group::kLabel},
                                                  {"private", Group::kPropagation},
                                                  {"rprivate", Group::kPropagation},
                                                  {"slave", Group::kPropagation},
                                                  {"rslave", Group::kPropagation},
                                                  {"shared", Group::kPropagation},
                                                  {"rshared", Group::kPropagation},
                                                  {"nocopy", Group::kCopy},
                                                  {"consistent", Group::kConsistency},
                                                  {"cached", Group::kConsistency},
                                                  {"delegated", Group::kConsistency}}};

const Option* find_option(std::string_view name) {
  auto found = std::ranges::find(kBindOptions, name, &Option::name);
  return found == kBindOptions.end() ? nullptr : found;
}

bool is_mode(std::string_view mode) {
  if (mode.empty()) return true;
  std::array<int, 5> seen{};
  for (std::string_view name : split(mode, ',')) {
    const Option* option = find_option(name);
    if (!option || ++seen[static_cast<std::size_t>(option->group)] > 1) return false;
  }
  return true;
}

// The option of that group in a valid mode, "" when there is none.
std::string_view option_of(std::string_view mode, Group group) {
  if (mode.empty()) return {};
  for (std::string_view name : split(mode, ','))
    if (const Option* option = find_option(name); option && option->group == group) return option->name;
  return {};
}

bool is_volume_name(std::string_view name) {
  auto alphanumeric = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return name.size() >= 2 && alphanumeric(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

void check_volume_name(const std::string& name) {
  if (name.size() == 1) fail_invalid("volume name is too short, names should be at least two alphanumeric characters");
  if (!is_volume_name(name))
    fail_invalid(
        quoted(name), " includes invalid characters for a local volume name, only ",
        "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path");
}

bool is_local_path(std::string_view path) {
  std::string clean = clean_path(path);
  return !path.empty() && !path.starts_with('/') && clean != ".." && !clean.starts_with("../");
}

// What makes a mount of the API wrong; the kind of the mount is put before it.
class MountError {
 public:
  explicit MountError(const MountSpec& mount)
      : prefix_(cat("invalid mount config for type ", quoted(mount.type), ": ")) {}
  template <class... Parts>
  void refuse_if(bool wrong, const Parts&... parts) const {
    if (wrong) fail_invalid(prefix_, parts...);
  }

 private:
  std::string prefix_;
};

void plan_bind(const MountSpec& mount, const MountError& error, MountPlan& plan) {
  error.refuse_if(mount.source.empty(), "field Source must not be empty");
  error.refuse_if(mount.volume_options.has_value(), "field VolumeOptions must not be specified");
  error.refuse_if(!mount.source.starts_with('/'), "invalid mount path: '", mount.source,
                  "' mount path must be absolute");
  BindOptions options = mount.bind_options.value_or(BindOptions{});
  const Option* propagation = options.propagation.empty() ? nullptr : find_option(options.propagation);
  error.refuse_if(!options.propagation.empty() && (!propagation || propagation->group != Group::kPropagation),
                  "invalid propagation mode: ", options.propagation);
  error.refuse_if(!options.create_mountpoint && !exists(mount.source),
                  "bind source path does not exist: ", mount.source);
  error.refuse_if(options.read_only_force_recursive && !mount.read_only,
                  "field ReadOnlyForceRecursive must not be specified without ReadOnly");
  error.refuse_if(options.read_only_force_recursive && (options.read_only_non_recursive || options.non_recursive),
                  "fields ReadOnlyForceRecursive and NonRecursive must not be specified together");
  plan.point.source = clean_path(mount.source);
  plan.point.propagation = options.propagation.empty() ? std::string(kDefaultPropagation) : options.propagation;
  plan.own_propagation = !options.propagation.empty();
  plan.create_source = options.create_mountpoint;
  plan.non_recursive = options.non_recursive;
  plan.read_only_non_recursive = options.read_only_non_recursive;
  plan.read_only_force_recursive = options.read_only_force_recursive;
}

void plan_volume(const MountSpec& mount, const MountError& error, MountPlan& plan) {
  error.refuse_if(mount.bind_options.has_value(), "field BindOptions must not be specified");
  VolumeOptions options = mount.volume_options.value_or(VolumeOptions{});
  plan.anonymous = mount.source.empty();
  error.refuse_if(plan.anonymous && !options.subpath.empty(), "must not set Subpath when using anonymous volumes");
  error.refuse_if(!options.subpath.empty() && !is_local_path(options.subpath),
                  "subpath must be a relative path within the volume");
  error.refuse_if(plan.anonymous && mount.read_only, "must not set ReadOnly mode when using anonymous volumes");
  if (!plan.anonymous) check_volume_name(mount.source);
  plan.point.name = mount.source;
  plan.point.mode = "z";
  plan.no_copy = options.no_copy;
  plan.subpath = options.subpath;
  plan.volume_labels = options.labels;
  if (options.driver_config) {
    plan.point.driver = options.driver_config->name;
    plan.volume_options = options.driver_config->options;
  }
  if (plan.point.driver.empty()) plan.point.driver = "local";
}

void plan_image(const MountSpec& mount, const MountError& error, MountPlan& plan) {
  error.refuse_if(mount.source.empty(), "field Source must not be empty");
  error.refuse_if(mount.bind_options.has_value(), "field BindOptions must not be specified");
  error.refuse_if(mount.volume_options.has_value(), "field VolumeOptions must not be specified");
  std::string subpath = mount.image_options ? mount.image_options->subpath : std::string();
  error.refuse_if(!subpath.empty() && !is_local_path(subpath), "subpath must be a relative path within the volume");
  plan.point.source = mount.source;
  plan.point.rw = false;
  plan.image_subpath = subpath;
}

void plan_tmpfs(const MountSpec& mount, const MountError& error, MountPlan& plan) {
  error.refuse_if(mount.bind_options.has_value(), "field BindOptions must not be specified");
  error.refuse_if(!mount.source.empty(), "field Source must not be specified");
  if (!mount.tmpfs_options) return;
  plan.tmpfs_size = mount.tmpfs_options->size_bytes;
  plan.tmpfs_mode = mount.tmpfs_options->mode;
  error.refuse_if(plan.tmpfs_size < 0, "invalid size: ", plan.tmpfs_size);
  for (const Strings& option : mount.tmpfs_options->options) {
    error.refuse_if(option.empty() || option.size() > 2, "invalid option array length");
    error.refuse_if(option.size() == 2 || (option[0] != "exec" && option[0] != "noexec"),
                    "invalid option: ", option[0]);
    plan.tmpfs_options.push_back(option[0]);
  }
}

// Of the options of one group, the last one counts.
std::string_view tmpfs_group(std::string_view option) {
  struct Entry {
    std::string_view option, group;
  };
  constexpr Entry kFlags[] = {{"ro", "rw"},
                              {"rw", "rw"},
                              {"exec", "exec"},
                              {"noexec", "exec"},
                              {"suid", "suid"},
                              {"nosuid", "suid"},
                              {"dev", "dev"},
                              {"nodev", "dev"},
                              {"sync", "sync"},
                              {"async", "sync"},
                              {"dirsync", "dirsync"},
                              {"mand", "mand"},
                              {"nomand", "mand"},
                              {"atime", "atime"},
                              {"noatime", "atime"},
                              {"diratime", "diratime"},
                              {"nodiratime", "diratime"},
                              {"relatime", "atime"},
                              {"norelatime", "atime"},
                              {"strictatime", "atime"},
                              {"nostrictatime", "atime"},
                              {"private", "share"},
                              {"rprivate", "share"},
                              {"slave", "share"},
                              {"rslave", "share"},
                              {"shared", "share"},
                              {"rshared", "share"}};
  constexpr std::array<std::string_view, 8> kValues = {"size",      "mode",      "uid",  "gid",
                                                       "nr_inodes", "nr_blocks", "mpol", "huge"};
  auto [name, value] = split_once(option, '=');
  if (value) return std::ranges::find(kValues, name) == kValues.end() ? std::string_view() : name;
  for (const Entry& entry : kFlags)
    if (entry.option == name) return entry.group;
  return {};
}

}  // namespace

namespace {

// The OCI runtimes' rule: nothing takes the place of what the kernel says in /proc, but for these, which LXCFS and the
// like provide.
bool hides_kernel(std::string_view target) {
  constexpr std::array<std::string_view, 11> kReplaceable = {"/proc/cpuinfo",
                                                             "/proc/diskstats",
                                                             "/proc/meminfo",
                                                             "/proc/stat",
                                                             "/proc/swaps",
                                                             "/proc/uptime",
                                                             "/proc/loadavg",
                                                             "/proc/slabinfo",
                                                             "/proc/net/dev",
                                                             "/proc/sys/kernel/ns_last_pid",
                                                             "/proc/sys/crypto/fips_enabled"};
  return target.starts_with("/proc/") && std::ranges::find(kReplaceable, target) == kReplaceable.end();
}

}  // namespace

std::string checked_target(std::string_view target) {
  std::string clean = clean_path(target);
  if (clean == "/") fail_invalid("invalid specification: destination can't be '/'");
  if (!target.starts_with('/')) fail_invalid("invalid mount path: '", target, "' mount path must be absolute");
  if (hides_kernel(clean)) fail_invalid(quoted(clean), " cannot be mounted because it is inside /proc");
  return clean;
}

MountPlan parse_bind(const std::string& text, const std::string& volume_driver) {
  auto invalid = [&](const auto&... parts) { fail_invalid("invalid volume specification: '", text, "'", parts...); };
  auto parts = split(text, ':');
  if (parts[0].empty() || parts.size() > 3) invalid();
  if (parts.size() == 2 && is_mode(parts[1])) invalid();
  std::string_view source = parts.size() > 1 ? parts[0] : std::string_view(), mode = parts.size() > 2 ? parts[2] : "";
  std::string_view target = parts.size() > 1 ? parts[1] : parts[0];
  if (!is_mode(mode)) fail_invalid("invalid mode: ", mode);

  MountPlan plan;
  MountPoint& point = plan.point;
  try {
    if (target.empty()) fail_invalid("field Target must not be empty");
    point.destination = checked_target(target);
  } catch (const Error& e) {
    invalid(": ", e.message());
  }
  point.mode = mode;
  point.rw = option_of(mode, Group::kAccess) != "ro";
  std::string_view propagation = option_of(mode, Group::kPropagation), copy = option_of(mode, Group::kCopy);
  if (source.starts_with('/')) {
    if (!copy.empty()) invalid(": invalid mount config for type \"bind\": field VolumeOptions must not be specified");
    point.type = "bind";
    point.source = clean_path(source);
    point.propagation = propagation.empty() ? kDefaultPropagation : propagation;
    plan.own_propagation = !propagation.empty();
    plan.create_source = true;
    return plan;
  }
  if (!propagation.empty())
    invalid(": invalid mount config for type \"volume\": field BindOptions must not be specified");
  point.type = "volume";
  point.driver = volume_driver.empty() ? "local" : volume_driver;
  point.name = source;
  if (source.empty())
    plan.anonymous = true;
  else
    check_volume_name(point.name);
  if (point.mode.empty()) point.mode = "z";
  plan.no_copy = copy == "nocopy";
  return plan;
}

MountPlan plan_of(const MountSpec& mount) {
  MountError error(mount);
  MountPlan plan;
  plan.point.type = mount.type;
  plan.point.rw = !mount.read_only;
  error.refuse_if(mount.target.empty(), "field Target must not be empty");
  try {
    plan.point.destination = checked_target(mount.target);
  } catch (const Error& e) {
    error.refuse_if(true, e.message());
  }
  if (mount.type == "bind")
    plan_bind(mount, error, plan);
  else if (mount.type == "volume")
    plan_volume(mount, error, plan);
  else if (mount.type == "tmpfs")
    plan_tmpfs(mount, error, plan);
  else if (mount.type == "image")
    plan_image(mount, error, plan);
  else if (mount.type == "cluster")
    error.refuse_if(true, "cluster volumes need a swarm, which hull does not have");
  else
    error.refuse_if(true, "mount type unknown");
  error.refuse_if(!mount.id_map.empty() && mount.type != "bind" && mount.type != "volume",
                  "only binds and volumes can have an idmap");
  if (!mount.id_map.empty()) parse_id_map(mount.id_map);
  return plan;
}

VolumesFrom parse_volumes_from(const std::string& text) {
  if (text.empty()) fail_invalid("volumes-from specification cannot be an empty string");
  auto [container, mode] = split_once(text, ':');
  VolumesFrom from{std::string(container), false, std::string(mode.value_or(""))};
  if (!is_mode(from.mode) || !option_of(from.mode, Group::kPropagation).empty() ||
      !option_of(from.mode, Group::kCopy).empty())
    fail_invalid("invalid mode: ", from.mode);
  from.read_only = option_of(from.mode, Group::kAccess) == "ro";
  return from;
}

std::vector<std::string> tmpfs_options(const std::vector<std::string>& wanted) {
  std::vector<std::string> options = {"noexec", "nosuid", "nodev"};
  for (const std::string& option : wanted) {
    if (option.empty() || option == "defaults") continue;
    std::string_view group = tmpfs_group(option);
    if (group.empty()) fail_invalid("Invalid tmpfs option ", quoted(option));
    std::erase_if(options, [&](const std::string& other) { return tmpfs_group(other) == group; });
    options.push_back(option);
  }
  return options;
}

}  // namespace hull::container
