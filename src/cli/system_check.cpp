// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/file.h"
#include "base/process.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/terminal.h"
#include "cli/units.h"
#include "cli/verbs.h"

// `hull system check`: what this machine has of what containers are made of, what will not work here, and how it is
// enabled.
namespace hull::cli::system {
namespace {

enum class State : unsigned char { kThere, kWithout, kMissing };

struct Finding {
  State state = State::kThere;
  std::string subject, detail, advice;
};

constexpr std::string_view kStates[] = {"ok", "without", "missing"};

std::string first_line(const std::string& path) {
  auto text = read_if_exists(path);
  return text ? std::string(trim(split(*text, '\n')[0])) : std::string();
}

bool has_line(const std::string& path, std::string_view word) {
  auto text = read_if_exists(path);
  if (!text) return false;
  for (std::string_view line : split(*text, '\n'))
    for (std::string_view part : split(line, '\t'))
      for (std::string_view one : split(part, ' '))
        if (one == word) return true;
  return false;
}

std::string configuration_archive() {
  try {
    return run_program({"zcat", "/proc/config.gz"}).output;
  } catch (const Error&) {
    return {};  // modules that are loaded tell the same, where the program is missing
  }
}

// The kernel's configuration, as far as the machine tells it: CONFIG_X by "X", "y" or "m".
std::map<std::string, std::string, std::less<>> kernel_configuration() {
  std::string text;
  if (auto boot = read_if_exists("/boot/config-" + first_line("/proc/sys/kernel/osrelease")))
    text = *boot;
  else if (exists("/proc/config.gz"))
    text = configuration_archive();
  std::map<std::string, std::string, std::less<>> settings;
  for (std::string_view line : split(text, '\n'))
    if (auto [name, value] = split_once(line, '='); value && name.starts_with("CONFIG_"))
      settings.emplace(name.substr(7), *value);
  return settings;
}

class Check {
 public:
  std::vector<Finding> run() {
    configuration_ = kernel_configuration();
    kernel();
    namespaces();
    cgroups();
    security();
    network();
    storage();
    programs();
    return std::move(findings_);
  }

 private:
  void add(State state, std::string_view subject, std::string detail, std::string advice = {}) {
    findings_.push_back({state, std::string(subject), std::move(detail), std::move(advice)});
  }
  void need(bool there, std::string_view subject, const std::string& detail, const std::string& without,
            const std::string& advice, State otherwise = State::kWithout) {
    if (there)
      add(State::kThere, subject, detail);
    else
      add(otherwise, subject, without, advice);
  }

  // Whether the kernel has it: its configuration says so, or the module is there.
  bool kernel_has(std::string_view option, std::string_view module) const {
    if (auto known = configuration_.find(option); known != configuration_.end()) return true;
    if (!configuration_.empty()) return false;
    return exists(cat("/sys/module/", module)) || has_line("/proc/modules", module);
  }

  void kernel() {
    std::string release = first_line("/proc/sys/kernel/osrelease");
    auto parts = split(release, '.');
    int major = parse_number<int>(parts[0]).value_or(0);
    int minor = parts.size() > 1
                    ? parse_number<int>(parts[1].substr(0, parts[1].find_first_not_of("0123456789"))).value_or(0)
                    : 0;
    need(major > 5 || (major == 5 && minor >= 10), "kernel", release, release + " is too old for hull",
         "5.10 or newer is needed", State::kMissing);
    need(has_line("/proc/filesystems", "overlay") || kernel_has("OVERLAY_FS", "overlay"), "overlay file system",
         "images are layers of it", "no container can be made", "modprobe overlay (CONFIG_OVERLAY_FS)",
         State::kMissing);
  }

  void namespaces() {
    std::vector<std::string> missing;
    for (const char* name : {"mnt", "pid", "net", "uts", "ipc", "cgroup"})
      if (!exists(cat("/proc/self/ns/", std::string_view(name)))) missing.emplace_back(name);
    need(missing.empty(), "namespaces", "mount, pid, network, uts, ipc, cgroup", "without " + join(missing, ", "),
         "a kernel with CONFIG_NAMESPACES and what is below it", State::kMissing);
    std::string most = first_line("/proc/sys/user/max_user_namespaces");
    bool users = exists("/proc/self/ns/user") && most != "0";
    need(users, "user namespaces", cat("up to ", most), "userns-remap and --userns private do not work",
         "sysctl -w user.max_user_namespaces=15000 (CONFIG_USER_NS)");
  }

  void cgroups() {
    bool v2 = false, v1 = false;
    std::string controllers, unified;
    const std::string mounts = read_if_exists("/proc/self/mounts").value_or("");
    for (std::string_view line : split(mounts, '\n')) {
      auto words = split(line, ' ');
      if (words.size() < 4) continue;
      if (words[2] == "cgroup2") {
        v2 = true;
        unified = words[1];
      }
      if (words[2] == "cgroup") {
        v1 = true;
        controllers += cat(",", words[3]);
      }
    }
    if (!v1 && v2) {
      controllers = first_line(unified + "/cgroup.controllers");
      std::ranges::replace(controllers, ' ', ',');
    }
    need(v1 || v2, "control groups", v1 ? (v2 ? "version 1, with version 2 beside it" : "version 1") : "version 2",
         "no limit and no freezer", "mount -t cgroup2 none /sys/fs/cgroup", State::kMissing);
    auto has = [&](std::string_view name) {
      auto names = split(controllers, ',');
      return std::ranges::find(names, name) != names.end();
    };
    struct Controller {
      std::string_view v1, v2, flags;
    };
    for (const Controller& one : {Controller{"memory", "memory", "--memory"},
                                  {"cpu", "cpu", "--cpus and --cpu-shares"},
                                  {"cpuset", "cpuset", "--cpuset-cpus"},
                                  {"pids", "pids", "--pids-limit"},
                                  {"blkio", "io", "--device-read-bps and its kin"}}) {
      std::string_view name = v1 ? one.v1 : one.v2;
      need(has(name), cat("controller ", name), std::string(one.flags), cat(one.flags, " does nothing"),
           name == "memory" ? "boot with cgroup_enable=memory" : "a kernel with this controller");
    }
    if (v1 && has("memory"))
      need(exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"), "swap accounting", "--memory-swap",
           "--memory-swap does nothing: a container may use any amount of swap", "boot with swapaccount=1");
    if (has("cpu"))
      need(v1 ? exists("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
              : kernel_has("CFS_BANDWIDTH", "") || configuration_.empty(),
           "CPU quotas", "--cpus, --cpu-quota", "--cpus does nothing", "a kernel with CONFIG_CFS_BANDWIDTH");
  }

  void security() {
    need(exists("/proc/sys/kernel/seccomp/actions_avail"), "seccomp", "the default profile",
         "containers may use every system call", "a kernel with CONFIG_SECCOMP_FILTER");
    bool apparmor = first_line("/sys/module/apparmor/parameters/enabled") == "Y";
    bool selinux = exists("/sys/fs/selinux/enforce");
    need(apparmor || selinux, "security module", apparmor ? "AppArmor" : "SELinux",
         "neither AppArmor nor SELinux confines containers",
         "boot with apparmor=1 security=apparmor, where the kernel has it");
  }

  void network() {
    need(kernel_has("VETH", "veth") && kernel_has("BRIDGE", "bridge"), "bridges", "networks of the driver bridge",
         "only --network host and none work", "modprobe veth bridge (CONFIG_VETH, CONFIG_BRIDGE)", State::kMissing);
    need(kernel_has("NF_TABLES", "nf_tables") && kernel_has("NF_NAT", "nf_nat"), "firewall", "nftables with NAT",
         "no published ports, and no way out of a bridge",
         "modprobe nf_tables nf_nat (CONFIG_NF_TABLES, CONFIG_NFT_NAT, CONFIG_NFT_MASQ)", State::kMissing);
    need(kernel_has("MACVLAN", "macvlan"), "macvlan", "networks of that driver", "no networks of the driver macvlan",
         "modprobe macvlan (CONFIG_MACVLAN)");
    need(kernel_has("IPVLAN", "ipvlan"), "ipvlan", "networks of that driver", "no networks of the driver ipvlan",
         "modprobe ipvlan (CONFIG_IPVLAN)");
    need(exists("/proc/net/if_inet6"), "IPv6", "network create --ipv6", "no networks with IPv6 addresses",
         "boot without ipv6.disable=1 (CONFIG_IPV6)");
    need(first_line("/proc/sys/net/ipv4/ip_forward") == "1", "forwarding", "net.ipv4.ip_forward is 1",
         "net.ipv4.ip_forward is 0: containers reach nobody until hulld turns it on",
         "sysctl -w net.ipv4.ip_forward=1");
    need(exists("/dev/net/tun"), "/dev/net/tun", "VPNs in containers (--device /dev/net/tun)",
         "no VPN programs in containers", "modprobe tun (CONFIG_TUN)");
  }

  void storage() {
    std::string root = "/var/lib/hull";
    std::error_code code;
    std::string place = root;
    while (place.size() > 1 && !exists(place))
      place = place.substr(0, place.rfind('/')), place = place.empty() ? "/" : place;
    auto space = std::filesystem::space(place, code);
    double free = static_cast<double>(space.available);
    need(code || free > 2e9, "space for images", cat(decimal_size(free, 3), " free at ", root),
         cat("only ", decimal_size(free, 3), " free at ", root),
         "hull system prune, or data-root in daemon.json on a larger disk");
    auto [type, options] = file_system_of(place);
    bool quotas = (type == "xfs" || type == "ext4") &&
                  (options.find("prjquota") != options.npos || options.find("pquota") != options.npos);
    need(quotas, "sizes of containers", cat("--storage-opt size= on ", type),
         cat("--storage-opt size= does not work: ", root, " is on ", type, " without project quotas"),
         type == "ext4" || type == "xfs" ? "mount it with prjquota"
                                         : "a data root on xfs or ext4, mounted with prjquota");
    std::string watches = first_line("/proc/sys/fs/inotify/max_user_instances");
    need(parse_number<int>(watches).value_or(0) >= 128, "inotify", cat(watches, " instances for each user"),
         cat("only ", watches, " instances for each user: programs that watch files fail when many containers run"),
         "sysctl -w fs.inotify.max_user_instances=1024");
  }

  // The type and the options of the file system that a directory is on.
  static std::pair<std::string, std::string> file_system_of(const std::string& path) {
    std::pair<std::string, std::string> best;
    std::size_t longest = 0;
    const std::string mounts = read_if_exists("/proc/self/mounts").value_or("");
    for (std::string_view line : split(mounts, '\n')) {
      auto words = split(line, ' ');
      if (words.size() < 4) continue;
      bool below = path == words[1] || words[1] == "/" || path.starts_with(cat(words[1], "/"));
      if (!below || words[1].size() < longest) continue;
      longest = words[1].size();
      best = {std::string(words[2]), std::string(words[3])};
    }
    return best;
  }

  void programs() {
    std::vector<std::string> missing;
    for (const char* name : {"hulld", "hull-shim", "hull-init"})
      if (program_beside(name).empty()) missing.emplace_back(name);
    need(missing.empty(), "programs", "hulld, hull-shim, hull-init", "not found: " + join(missing, ", "),
         "install hull as a whole: these belong beside the program hull", State::kMissing);
    need(!program_beside("criu").empty(), "CRIU", "hull checkpoint", "'hull checkpoint' does not work",
         "apt install criu");
    need(exists("/run/systemd/system"), "systemd", "the cgroup driver systemd", "only the cgroup driver cgroupfs", "");
  }

  std::map<std::string, std::string, std::less<>> configuration_;
  std::vector<Finding> findings_;
};

// The engine's own view; nothing when none runs.
void add_engine(Invocation& call, std::vector<Finding>& findings) {
  try {
    Client& client = call.client();
    client.never_start_engine();
    const Value info = client.get("/info");
    findings.push_back(
        {State::kThere, "engine", cat("hulld ", info["ServerVersion"].text(), " at ", client.host()), ""});
    for (const Value& warning : info["Warnings"].list())
      findings.push_back({State::kWithout, "engine", warning.text(), ""});
  } catch (const Error& e) {
    findings.push_back(
        {State::kWithout, "engine", "none runs at the moment", "hull run, hull ps and all others start one"});
  }
}

std::string coloured(State state) {
  std::string word(kStates[static_cast<int>(state)]);
  word.resize(10, ' ');
  if (!wants_colour(STDOUT_FILENO)) return word;
  constexpr std::string_view kColours[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m"};
  return cat(kColours[static_cast<int>(state)], word, "\x1b[0m");
}

}  // namespace

int check(Invocation& call) {
  std::vector<Finding> findings = Check().run();
  add_engine(call, findings);
  bool missing = std::ranges::any_of(findings, [](const Finding& one) { return one.state == State::kMissing; });
  if (call.options.text("format") == "json") {
    for (const Finding& one : findings)
      print_line(to_json(Value::Map{{"Subject", one.subject},
                                    {"State", kStates[static_cast<int>(one.state)]},
                                    {"Detail", one.detail},
                                    {"Advice", one.advice}}));
    return missing;
  }
  for (const Finding& one : findings) {
    std::string subject = one.subject;
    subject.resize(std::max<std::size_t>(subject.size() + 1, 22), ' ');
    print_line(coloured(one.state), subject, one.detail);
    if (!one.advice.empty()) print_line(std::string(10, ' '), "  to have it: ", one.advice);
  }
  print_line(missing ? "\nContainers cannot run here until what is missing is there."
                     : "\nContainers can run here. What is marked 'without' does not work until it is enabled.");
  return missing;
}

}  // namespace hull::cli::system
