// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>

#include "api/handlers.h"
#include "api/json_reply.h"
#include "api/machine.h"
#include "base/file.h"
#include "container/log_drivers.h"
#include "linux/cgroup.h"
#include "oci/json.h"

namespace hull::api {

namespace {

using container::Status;

bool reads_one(const std::string& path) { return trim(read_if_exists(path).value_or("")) == "1"; }

Json security_options() {
  Json out = Json::array();
  if (exists("/sys/kernel/security/apparmor/profiles")) out.push_back("name=apparmor");
  if (read_if_exists("/proc/self/status").value_or("").find("Seccomp:") != std::string::npos)
    out.push_back("name=seccomp,profile=builtin");
  if (linux::cgroup_facts().version == linux::CgroupVersion::kV2) out.push_back("name=cgroupns");
  return out;
}

void add_counts(Json& out, Call& call) {
  auto containers = call.engine.list();
  auto count = [&](auto fits) {
    return std::ranges::count_if(containers, [&](const auto& s) { return fits(s->status); });
  };
  auto running = count([](Status s) { return s == Status::kRunning || s == Status::kRestarting; });
  auto paused = count([](Status s) { return s == Status::kPaused; });
  out["Containers"] = containers.size();
  out["ContainersRunning"] = running;
  out["ContainersPaused"] = paused;
  out["ContainersStopped"] = static_cast<std::int64_t>(containers.size()) - running - paused;
  out["Images"] = call.services().images.list().size();
}

void add_limits(Json& out) {
  const auto& facts = linux::cgroup_facts();
  bool v2 = facts.version == linux::CgroupVersion::kV2;
  bool memory = facts.has("memory"), cpu = facts.has("cpu");
  out["MemoryLimit"] = memory;
  out["SwapLimit"] = memory && (v2 || exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"));
  out["CpuCfsPeriod"] = cpu;
  out["CpuCfsQuota"] = cpu;
  out["CPUShares"] = cpu;
  out["CPUSet"] = facts.has("cpuset");
  out["PidsLimit"] = facts.has("pids");
  out["OomKillDisable"] = memory && !v2;
  out["IPv4Forwarding"] = reads_one("/proc/sys/net/ipv4/ip_forward");
}

void add_fixed(Json& out, Call& call) {
  out["Plugins"] = {{"Volume", {"local"}},
                    {"Network", {"bridge", "host", "null"}},
                    {"Authorization", nullptr},
                    {"Log", container::log_driver_names()}};
  out["Runtimes"] = {{"hull", {{"path", call.about.runtime_program}}}};
  out["DefaultRuntime"] = "hull";
  out["Swarm"] = {
      {"NodeID", ""}, {"NodeAddr", ""},           {"LocalNodeState", "inactive"}, {"ControlAvailable", false},
      {"Error", ""},  {"RemoteManagers", nullptr}};
  out["LiveRestoreEnabled"] = true;
  out["Isolation"] = "";
  out["InitBinary"] = call.about.init_program.empty() ? "" : "hull-init";
  for (const char* key : {"ContainerdCommit", "RuncCommit", "InitCommit"}) {
    out[key] = {{"ID", call.about.version}};
    if (!call.since(49)) out[key]["Expected"] = call.about.version;
  }
  out["SecurityOptions"] = security_options();
  out["RegistryConfig"] = {
      {"IndexConfigs", Json::object()}, {"InsecureRegistryCIDRs", Json::array()}, {"Mirrors", nullptr}};
  out["IndexServerAddress"] = "https://index.docker.io/v1/";
  if (!call.since(50)) out["BridgeNfIptables"] = out["BridgeNfIp6tables"] = false;
  if (call.since(49)) out["FirewallBackend"] = {{"Driver", "nftables"}};
  out["Warnings"] = nullptr;
}

}  // namespace

void info(Call& call) {
  const auto& configuration = call.engine.configuration();
  auto system = operating_system();
  Json out;
  out["ID"] = call.about.id;
  add_counts(out, call);
  out["Driver"] = "overlay2";
  out["DriverStatus"] = Json::array({{"Supports d_type", "true"}, {"Native Overlay Diff", "true"}});
  out["DockerRootDir"] = configuration.data_root;
  add_limits(out);
  out["Debug"] = call.about.debug;
  out["NFd"] = list_directory("/proc/self/fd").size();
  out["NGoroutines"] = list_directory("/proc/self/task").size();
  out["SystemTime"] = format_rfc3339(now());
  out["LoggingDriver"] = call.engine.configuration().log_config.type;
  out["CgroupDriver"] = configuration.cgroup_driver == linux::CgroupDriver::kSystemd ? "systemd" : "cgroupfs";
  out["CgroupVersion"] = linux::cgroup_facts().version == linux::CgroupVersion::kV2 ? "2" : "1";
  out["NEventsListener"] = call.services().events.listeners();
  out["KernelVersion"] = kernel_version();
  out["OperatingSystem"] = system.name;
  out["OSVersion"] = system.version;
  out["OSType"] = "linux";
  out["Architecture"] = std::string(machine_architecture());
  out["NCPU"] = std::thread::hardware_concurrency();
  out["MemTotal"] = total_memory();
  out["GenericResources"] = nullptr;
  for (const char* key : {"HttpProxy", "HttpsProxy", "NoProxy"}) out[key] = "";
  out["Name"] = host_name();
  out["Labels"] = Json::array();
  out["ExperimentalBuild"] = false;
  out["ServerVersion"] = call.about.version;
  add_fixed(out, call);
  reply(call, 200, out);
}

}  // namespace hull::api
