// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "linux/capabilities.h"
#include "linux/lsm.h"
#include "linux/mount_options.h"
#include "linux/scheduling.h"
#include "linux/seccomp.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"
#include "runtime_state.h"

namespace hull::runtime_cli {

namespace {

oci::RuntimeConfig example_config() {
  oci::RuntimeConfig config;
  auto& process = config.process.emplace();
  process.terminal = true;
  process.args = {"sh"};
  process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
  process.cwd = "/";
  auto& capabilities = process.capabilities.emplace();
  capabilities.bounding = capabilities.effective =
      capabilities.permitted = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  process.rlimits = {{"RLIMIT_NOFILE", 1024, 1024}};
  process.no_new_privileges = true;
  config.root = oci::Root{"rootfs", true};
  config.hostname = "hull";
  config.mounts = {
      {"/proc", "proc", "proc", {}, {}, {}},
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}, {}, {}},
      {"/dev/pts",
       "devpts",
       "devpts",
       {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"},
       {},
       {}},
      {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}, {}, {}},
      {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}, {}, {}},
      {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}, {}, {}},
      {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}, {}, {}},
  };
  for (const char* type : {"pid", "network", "ipc", "uts", "mount"}) config.linux.namespaces.push_back({type, {}});
  if (linux::cgroup_facts().version == linux::CgroupVersion::kV2) config.linux.namespaces.push_back({"cgroup", {}});
  oci::DeviceRule nothing;
  nothing.access = "rwm";
  config.linux.resources.emplace().devices = {nothing};
  config.linux.masked_paths = {"/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
                               "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
                               "/sys/firmware",       "/proc/scsi"};
  config.linux.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  return config;
}

// For a user who is not root: one user namespace with that user in it, and nothing that only root may ask for.
void make_rootless(oci::RuntimeConfig& config) {
  auto& namespaces = config.linux.namespaces;
  std::erase_if(namespaces, [](const auto& one) { return one.type == "network"; });
  namespaces.push_back({"user", {}});
  config.linux.uid_mappings = {{0, ::geteuid(), 1}};
  config.linux.gid_mappings = {{0, ::getegid(), 1}};
  config.linux.resources.reset();
  for (auto& mount : config.mounts) {
    if (mount.destination == "/sys")
      mount = {"/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"}, {}, {}};
    std::erase_if(mount.options,
                  [](const auto& option) { return option.starts_with("gid=") || option.starts_with("uid="); });
  }
}

}  // namespace

int verb_spec(const Globals&, std::vector<std::string> words) {
  Arguments arguments({{"bundle", "b", true}, {"rootless", "", false}}, std::move(words));
  arguments.expect_words("spec", 0);
  std::string path = cat(arguments.get("bundle", "."), "/config.json");
  if (exists(path)) fail(Kind::kConflict, "File config.json exists. Remove it first");
  oci::RuntimeConfig config = example_config();
  if (arguments.has("rootless")) make_rootless(config);
  write_file_atomically(path, to_json(config).dump(4), 0666, Durability::kProcessCrash);
  return 0;
}

int verb_features(const Globals&, std::vector<std::string> words) {
  Arguments({}, std::move(words)).expect_words("features", 0);
  Json features = Json::object();
  features["ociVersionMin"] = "1.0.0";
  features["ociVersionMax"] = oci::kRuntimeSpecVersion;
  features["hooks"] = {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"};
  features["mountOptions"] = linux::known_mount_options();
  Json& kernel = features["linux"];
  kernel["namespaces"] = {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"};
  kernel["capabilities"] = linux::all_capability_names();
  kernel["cgroup"] = {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", false}, {"rdma", true}};
  auto names = linux::known_seccomp_names();
  kernel["seccomp"] = {{"enabled", true},
                       {"actions", names.actions},
                       {"operators", names.operators},
                       {"archs", names.architectures},
                       {"knownFlags", names.flags},
                       {"supportedFlags", names.flags}};
  kernel["apparmor"] = {{"enabled", true}};
  kernel["selinux"] = {{"enabled", true}};
  kernel["intelRdt"] = {{"enabled", true}, {"schemata", true}, {"monitoring", true}};
  kernel["memoryPolicy"] = {{"modes", linux::memory_policy_modes()}, {"flags", linux::memory_policy_flags()}};
  kernel["mountExtensions"] = {{"idmap", {{"enabled", true}}}};
  kernel["netDevices"] = {{"enabled", true}};
  features["annotations"] = {{"io.hull.runtime.version", HULL_VERSION},
                             {"org.opencontainers.runc.checkpoint.enabled", "true"}};
  features["potentiallyUnsafeConfigAnnotations"] = Json::array();
  write_all(STDOUT_FILENO, features.dump(4) + "\n");
  return 0;
}

}  // namespace hull::runtime_cli
