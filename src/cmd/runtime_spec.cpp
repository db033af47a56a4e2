// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "linux/capabilities.h"
#include "linux/lsm.h"
#include "linux/mount_options.h"
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

}  // namespace

int verb_spec(const Globals&, std::vector<std::string> words) {
  Arguments arguments({{"bundle", "b", true}}, std::move(words));
  std::string path = cat(arguments.get("bundle", "."), "/config.json");
  if (exists(path)) fail(Kind::kConflict, "File config.json exists. Remove it first");
  write_file_atomically(path, to_json(example_config()).dump(4), 0666, Durability::kProcessCrash);
  return 0;
}

int verb_features(const Globals&, std::vector<std::string>) {
  Json features = Json::object();
  features["ociVersionMin"] = "1.0.0";
  features["ociVersionMax"] = "1.2.0";
  features["hooks"] = {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"};
  features["mountOptions"] = linux::known_mount_options();
  Json& kernel = features["linux"];
  kernel["namespaces"] = {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"};
  kernel["capabilities"] = linux::all_capability_names();
  kernel["cgroup"] = {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", false}, {"rdma", true}};
  kernel["seccomp"] = {{"enabled", true},
                       {"actions",
                        {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
                         "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"}},
                       {"operators",
                        {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
                         "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"}}};
  kernel["apparmor"] = {{"enabled", true}};
  kernel["selinux"] = {{"enabled", true}};
  kernel["mountExtensions"] = {{"idmap", {{"enabled", true}}}};
  write_all(STDOUT_FILENO, features.dump(4) + "\n");
  return 0;
}

}  // namespace hull::runtime_cli
