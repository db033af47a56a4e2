// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "container/machine_facts.h"
#include "container/mount_syntax.h"
#include "container/oci_config_parts.h"
#include "container/path_text.h"
#include "container/shared_memory.h"
#include "linux/fd_path.h"
#include "linux/mount_table.h"
#include "linux/root_dir.h"

namespace hull::container {

namespace {

constexpr std::string_view kContainer = "container:";

oci::Mount mount(std::string_view target, std::string_view type, std::string_view source,
                 std::vector<std::string> options) {
  return {std::string(target), std::string(type), std::string(source), std::move(options), {}, {}};
}

std::vector<oci::Mount> default_mounts(const HostConfig& host, const SecurityOptions& security, bool users) {
  auto read_only = [](bool is, std::vector<std::string> options) {
    if (is) options.emplace_back("ro");
    return options;
  };
  const bool sys_ro = !host.privileged || host.readonly_rootfs;
  const bool cgroup_ro = (!host.privileged && !security.writable_cgroups) || host.readonly_rootfs;
  std::vector<oci::Mount> mounts = {
      mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}),
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount("/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
      mount("/sys", "sysfs", "sysfs", read_only(sys_ro, {"nosuid", "noexec", "nodev"})),
      mount("/sys/fs/cgroup", "cgroup", "cgroup", read_only(cgroup_ro, {"nosuid", "noexec", "nodev"})),
      mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
  };
  // Message queues belong to whoever owns the IPC namespace, and only those may mount them.
  if (users && (host.ipc_mode == "host" || host.ipc_mode == "none")) mounts.pop_back();
  return mounts;
}

// /dev/shm goes with the IPC namespace. "none" has none.
void add_shared_memory(const ConfigInputs& inputs, std::vector<oci::Mount>& mounts) {
  const HostConfig& host = inputs.state.spec->host;
  const std::string& mode = host.ipc_mode;
  auto bind = [&](const std::string& source) {
    mounts.push_back(mount("/dev/shm", "bind", source, {"rbind", "rprivate", "nosuid", "nodev", "noexec"}));
  };
  if (mode == "none") return;
  if (mode == "host") {
    bind("/dev/shm");
  } else if (mode == "shareable") {
    prepare_shared_memory(inputs.configuration, inputs.state.id, host.shm_size);
    bind(shared_memory_directory(inputs.configuration, inputs.state.id));
  } else if (mode.starts_with(kContainer)) {
    bind(shared_memory_directory(inputs.configuration, mode.substr(kContainer.size())));
  } else {
    mounts.push_back(
        mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", cat("size=", host.shm_size)}));
  }
}

// What a mount point of the state does not tell, but the API's entry for it does.
const MountSpec* api_mount(const HostConfig& host, const MountPoint& point) {
  for (const MountSpec& entry : host.mounts)
    if (entry.type == point.type && clean_path(entry.target) == point.destination) return &entry;
  return nullptr;
}

// The subpath is in the volume, whatever links are in it, and whatever somebody puts in its place afterwards.
std::string source_in_volume(const ConfigInputs& inputs, const MountPoint& point, const std::string& subpath) {
  if (subpath.empty()) return point.source;
  UniqueFd volume = open_file(point.source, O_PATH | O_DIRECTORY);
  auto inside = linux::RootDir(volume.get()).open_beneath(subpath, O_PATH);
  if (!inside)
    fail_invalid("cannot access path ", point.source, "/", subpath, ": no such file or directory in volume ",
                 point.name);
  if (!inputs.sources) return linux::fd_path(inside->get());
  inputs.sources->push_back(std::move(*inside));
  return linux::fd_path_for_others(inputs.sources->back().get());
}

// Where nothing propagates to, what has the data root in it is private: nobody asked for more.
std::string propagation_of(const MountPoint& point, const std::string& data_root) {
  if (point.propagation.empty()) return "rprivate";
  if (point.propagation != "rslave" || !overlap(point.source, data_root)) return point.propagation;
  linux::MountEntry host = linux::mount_of(point.source);
  return host.shared || host.slave ? "rslave" : "rprivate";
}

oci::Mount bind_mount(const ConfigInputs& inputs, const MountPoint& point) {
  const Spec& spec = *inputs.state.spec;
  const MountSpec* api = api_mount(spec.host, point);
  BindOptions options = api && api->bind_options ? *api->bind_options : BindOptions{};
  if (!api && spec.read_only_binds_are_flat) options.read_only_non_recursive = true;
  std::vector<std::string> flags = {options.non_recursive ? "bind" : "rbind",
                                    propagation_of(point, inputs.configuration.data_root)};
  // A volume's files are the container's, whoever they belong to on the host; what the host lends stays the host's.
  if (inputs.users.size > 0 && point.type == "volume") flags.emplace_back("idmap");
  if (!point.rw) {
    bool can = machine_facts().recursive_read_only;
    if (options.read_only_force_recursive && !can)
      fail_invalid("mount ", point.destination, ": this kernel cannot make mounts read-only recursively");
    bool recursive = can && !options.non_recursive && !options.read_only_non_recursive;
    flags.emplace_back(recursive ? "rro" : "ro");
  }
  std::string subpath = api && api->volume_options ? api->volume_options->subpath : std::string();
  return mount(point.destination, "bind", source_in_volume(inputs, point, subpath), std::move(flags));
}

// The layers of an image, read-only. (The option of the subpath is the runtime's own.)
oci::Mount image_mount(const ConfigInputs& inputs, const MountPoint& point) {
  const MountSpec* api = api_mount(inputs.state.spec->host, point);
  std::vector<std::string> options = {"ro", "rprivate", "nodev", "nosuid"};
  auto layers = inputs.image_layers.find(point.destination);
  if (layers != inputs.image_layers.end()) options.push_back(cat("lowerdir=", join(layers->second, ":")));
  if (api && api->image_options && !api->image_options->subpath.empty())
    options.push_back(cat(kSubpathOption, api->image_options->subpath));
  return mount(point.destination, "overlay", "overlay", std::move(options));
}

oci::Mount tmpfs_mount(const std::string& target, const std::vector<std::string>& wanted) {
  return mount(clean_path(target), "tmpfs", "tmpfs", tmpfs_options(wanted));
}

oci::Mount api_tmpfs(const MountSpec& entry) {
  std::vector<std::string> wanted;
  if (entry.read_only) wanted.emplace_back("ro");
  if (entry.tmpfs_options) {
    const TmpfsOptions& options = *entry.tmpfs_options;
    char mode[16];
    auto end = std::to_chars(mode, mode + sizeof mode, options.mode, 8).ptr;
    if (options.mode != 0) wanted.push_back(cat("mode=", std::string_view(mode, static_cast<std::size_t>(end - mode))));
    if (options.size_bytes != 0) wanted.push_back(cat("size=", options.size_bytes));
    for (const Strings& option : options.options)
      if (!option.empty()) wanted.push_back(option[0]);
  }
  return tmpfs_mount(entry.target, wanted);
}

std::vector<oci::Mount> user_binds(const ConfigInputs& inputs) {
  std::vector<oci::Mount> mounts;
  for (const MountPoint& point : inputs.state.mounts)
    if (point.type == "bind" || point.type == "volume") mounts.push_back(bind_mount(inputs, point));
  return mounts;
}

std::vector<oci::Mount> user_mounts(const ConfigInputs& inputs) {
  const HostConfig& host = inputs.state.spec->host;
  std::vector<oci::Mount> mounts = user_binds(inputs);
  for (const MountPoint& point : inputs.state.mounts)
    if (point.type == "image") mounts.push_back(image_mount(inputs, point));
  for (const MountSpec& entry : host.mounts)
    if (entry.type == "tmpfs") mounts.push_back(api_tmpfs(entry));
  for (const auto& [target, text] : host.tmpfs) {
    std::vector<std::string> wanted;
    for (std::string_view option : split(text, ',')) wanted.emplace_back(option);
    mounts.push_back(tmpfs_mount(target, wanted));
  }
  return mounts;
}

// The engine's own files, where the user has put nothing.
void add_engine_files(const ConfigInputs& inputs, const std::set<std::string>& taken, std::vector<oci::Mount>& mounts) {
  const State& state = inputs.state;
  struct File {
    std::string_view target;
    const std::string& source;
  };
  for (const File& file : {File{"/etc/resolv.conf", state.resolv_conf_path}, File{"/etc/hostname", state.hostname_path},
                           File{"/etc/hosts", state.hosts_path}}) {
    if (file.source.empty() || taken.contains(std::string(file.target))) continue;
    std::vector<std::string> options = {"rbind", "rprivate"};
    if (state.spec->host.readonly_rootfs) options.emplace_back("ro");
    if (inputs.users.size > 0) options.emplace_back("idmap");
    mounts.push_back(mount(file.target, "bind", file.source, std::move(options)));
  }
  if (runs_init(state.spec->host))
    mounts.push_back(mount(kInitInside, "bind", inputs.configuration.init_program, {"bind", "rprivate", "ro"}));
}

void drop_replaced(std::vector<oci::Mount>& mounts, const std::set<std::string>& taken) {
  bool own_dev = taken.contains("/dev");
  std::erase_if(mounts, [&](const oci::Mount& one) {
    return taken.contains(one.destination) || (own_dev && one.destination.starts_with("/dev/"));
  });
}

std::set<std::string> targets_of(const std::vector<oci::Mount>& mounts) {
  std::set<std::string> targets;
  for (const oci::Mount& one : mounts) targets.insert(one.destination);
  return targets;
}

// What is deeper comes later, or it would be hidden.
void sort_by_depth(std::vector<oci::Mount>& mounts) {
  std::ranges::stable_sort(mounts, {}, [](const oci::Mount& one) { return std::ranges::count(one.destination, '/'); });
}

bool has_option(const oci::Mount& one, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(
      one.options, [&](const std::string& option) { return std::ranges::find(names, option) != names.end(); });
}

}  // namespace

std::vector<oci::Mount> container_mounts(const ConfigInputs& inputs, const SecurityOptions& security) {
  std::vector<oci::Mount> own = user_mounts(inputs);
  std::set<std::string> taken = targets_of(own);

  std::vector<oci::Mount> mounts = default_mounts(inputs.state.spec->host, security, inputs.users.size > 0);
  if (!taken.contains("/dev/shm")) add_shared_memory(inputs, mounts);
  drop_replaced(mounts, taken);
  add_engine_files(inputs, taken, own);
  sort_by_depth(own);
  mounts.insert(mounts.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
  return mounts;
}

std::vector<oci::Mount> bind_mounts(const ConfigInputs& inputs) {
  std::vector<oci::Mount> mounts = user_binds(inputs);
  add_engine_files(inputs, targets_of(mounts), mounts);
  sort_by_depth(mounts);
  return mounts;
}

std::string root_propagation(const std::vector<oci::Mount>& mounts) {
  std::string propagation;
  for (const oci::Mount& one : mounts) {
    bool shared = has_option(one, {"shared", "rshared"}), slave = has_option(one, {"slave", "rslave"});
    if (one.type != "bind" || (!shared && !slave)) continue;
    linux::MountEntry host = linux::mount_of(one.source);
    if (!host.shared && (shared || !host.slave))
      fail_invalid("path ", one.source, " is mounted on ", host.point, " but it is not a shared ",
                   slave ? "or slave mount" : "mount");
    if (shared)
      propagation = "shared";
    else if (propagation.empty())
      propagation = "rslave";
  }
  return propagation;
}

}  // namespace hull::container
