// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>

#include "api/handlers.h"
#include "api/json_reply.h"
#include "api/machine.h"
#include "base/file.h"
#include "container/defaults.h"
#include "container/device_requests.h"
#include "container/log_drivers.h"
#include "linux/cgroup.h"
#include "network/foreign_firewall.h"
#include "oci/json.h"

namespace hull::api {

namespace {

using container::Status;

bool reads_one(const std::string& path) { return trim(read_if_exists(path).value_or("")) == "1"; }

Json security_options(const settings::Settings& settings, const container::Configuration& configuration) {
  Json out = Json::array();
  if (exists("/sys/kernel/security/apparmor/profiles")) out.push_back("name=apparmor");
  if (read_if_exists("/proc/self/status").value_or("").find("Seccomp:") != std::string::npos)
    out.push_back(
        cat("name=seccomp,profile=", settings.seccomp_profile.empty() ? "builtin" : settings.seccomp_profile));
  if (configuration.remapped.size > 0) out.push_back("name=userns");
  if (linux::cgroup_facts().version == linux::CgroupVersion::kV2) out.push_back("name=cgroupns");
  if (settings.no_new_privileges) out.push_back("name=no-new-privileges");
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

// `status` holds the annotations of the features document of the runtime's specification.
Json runtimes(Call& call) {
  Json out;
  auto add = [&](const std::string& name, Json runtime) {
    if (call.since(44)) runtime["status"] = Json::object();
    out[name] = std::move(runtime);
  };
  for (auto name : container::kOwnRuntimes) add(std::string(name), {{"path", call.about.runtime_program}});
  for (const auto& [name, runtime] : call.settings()->runtimes) {
    Json shown;
    if (!runtime.path.empty()) shown["path"] = runtime.path;
    if (!runtime.runtime_type.empty()) shown["runtimeType"] = runtime.runtime_type;
    if (const auto& program = runtime.options.binary_name; !program.empty()) shown["options"]["BinaryName"] = program;
    if (!runtime.runtime_args.empty()) shown["runtimeArgs"] = runtime.runtime_args;
    add(name, std::move(shown));
  }
  return out;
}

// Registries that may speak HTTP: hosts by name, and networks, of which the loopback's is always one.
Json registry_config(Call& call) {
  auto settings = call.settings();
  Json mirrors = Json::array(), networks = Json::array({"::1/128", "127.0.0.0/8"}), hosts = Json::object();
  for (const auto& mirror : settings->registry_mirrors)  // those of other registries are not what clients look for here
    if (mirror.starts_with("http")) mirrors.push_back(mirror.ends_with('/') ? mirror : mirror + "/");
  hosts["docker.io"] = {{"Mirrors", mirrors}, {"Name", "docker.io"}, {"Official", true}, {"Secure", true}};
  for (const auto& registry : settings->insecure_registries) {
    if (registry.find('/') != std::string::npos)
      networks.push_back(registry);
    else
      hosts[registry] = {{"Mirrors", Json::array()}, {"Name", registry}, {"Official", false}, {"Secure", false}};
  }
  Json out = {{"IndexConfigs", hosts}, {"InsecureRegistryCIDRs", networks}, {"Mirrors", mirrors}};
  if (!call.since(49)) {
    out["AllowNondistributableArtifactsCIDRs"] = call.since(47) ? Json(nullptr) : Json::array();
    out["AllowNondistributableArtifactsHostnames"] = call.since(47) ? Json(nullptr) : Json::array();
  }
  return out;
}

// The password of a proxy's URL is nobody's business.
std::string without_password(const std::string& url) {
  auto scheme = url.find("://");
  auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  auto at = url.find('@', begin);
  return at == std::string::npos ? url : cat(url.substr(0, begin), "xxxxx:xxxxx", url.substr(at));
}

void add_devices(Json& out, Call& call) {
  const auto& directories = call.engine.configuration().cdi_directories;
  if (call.since(44)) out["CDISpecDirs"] = directories;
  if (!call.since(50)) return;
  for (const auto& name : container::discovered_devices(directories).names)
    out["DiscoveredDevices"].push_back({{"Source", "cdi"}, {"ID", name}});
}

void add_settings(Json& out, Call& call) {
  auto settings = call.settings();
  out["Debug"] = settings->debug;
  out["LoggingDriver"] = settings->log_driver;
  out["HttpProxy"] = without_password(settings->http_proxy);
  out["HttpsProxy"] = without_password(settings->https_proxy);
  out["NoProxy"] = settings->no_proxy;
  out["Labels"] = settings->labels;
  out["ExperimentalBuild"] = settings->experimental;
  add_devices(out, call);
  Json pools = Json::array();
  for (const auto& pool : settings->default_address_pools) pools.push_back({{"Base", pool.base}, {"Size", pool.size}});
  if (!pools.empty()) out["DefaultAddressPools"] = pools;
}

// What an administrator should know.
Json warnings(Call& call) {
  Json out = Json::array();
  auto settings = call.settings();
  for (const auto& host : settings->hosts)
    if (host.starts_with("tcp://") && !settings->tls_verify)
      out.push_back(cat("WARNING: API is accessible on ", settings->tls ? "https://" : "http://", host.substr(6),
                        " without ", settings->tls ? "client verification" : "encryption",
                        ". Access to the remote API is equivalent to root access on the host."));
  return out.empty() ? Json(nullptr) : out;
}

void add_fixed(Json& out, Call& call) {
  const auto snapshot = call.settings();
  const settings::Settings& settings = *snapshot;
  out["Plugins"] = {{"Volume", {"local"}},
                    {"Network", {"bridge", "host", "null"}},
                    {"Authorization", nullptr},
                    {"Log", container::log_driver_names()}};
  out["Runtimes"] = runtimes(call);
  out["DefaultRuntime"] = settings.default_runtime;
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
  out["SecurityOptions"] = security_options(settings, call.engine.configuration());
  out["RegistryConfig"] = registry_config(call);
  out["IndexServerAddress"] = "https://index.docker.io/v1/";
  if (!call.since(50)) out["BridgeNfIptables"] = out["BridgeNfIp6tables"] = false;
  if (call.since(49)) out["FirewallBackend"] = {{"Driver", "nftables"}};
  out["Warnings"] = warnings(call);
  for (const auto& problem : container::discovered_devices(call.engine.configuration().cdi_directories).problems)
    out["Warnings"].push_back(cat("CDI: ", problem));
  for (auto& text : network::foreign_firewall_warnings(call.services().networks))
    out["Warnings"].push_back(cat("WARNING: ", text));
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
  add_settings(out, call);
  out["NFd"] = list_directory("/proc/self/fd").size();
  out["NGoroutines"] = list_directory("/proc/self/task").size();
  out["SystemTime"] = format_rfc3339(now());
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
  out["Name"] = host_name();
  out["ServerVersion"] = call.about.version;
  add_fixed(out, call);
  reply(call, 200, out);
}

}  // namespace hull::api
