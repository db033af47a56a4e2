// SPDX-License-Identifier: Apache-2.0
#include "cli/container_request.h"

#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "cli/devices.h"
#include "cli/key_values.h"
#include "cli/mounts.h"
#include "cli/ports.h"
#include "cli/terminal.h"

namespace hull::cli {
namespace {

template <class Parse>
Value each(const std::vector<std::string>& texts, Parse parse) {
  Value out = Value::empty_list();
  for (const std::string& text : texts) out.push(parse(text));
  return out;
}

Value health_check(const Options& o) {
  constexpr std::string_view kFlags[] = {"health-cmd",     "health-interval",     "health-timeout",
                                         "health-retries", "health-start-period", "health-start-interval"};
  bool any = false;
  for (std::string_view flag : kFlags) any = any || o.given(flag);
  if (o.is_set("no-healthcheck")) {
    if (any) fail_invalid("--no-healthcheck conflicts with --health-* options");
    return Value::Map{{"Test", Value::List{"NONE"}}};
  }
  if (!any) return {};
  constexpr std::pair<std::string_view, std::string_view> kDurations[] = {{"Interval", "health-interval"},
                                                                          {"Timeout", "health-timeout"},
                                                                          {"StartPeriod", "health-start-period"},
                                                                          {"StartInterval", "health-start-interval"}};
  Value check = Value::empty_map();
  if (auto command = o.text("health-cmd"); !command.empty()) check.set("Test", Value::List{"CMD-SHELL", command});
  for (auto [field, flag] : kDurations) {
    if (o.nanoseconds(flag) < 0) fail_invalid("--", flag, " cannot be negative");
    if (o.nanoseconds(flag)) check.set(field, o.nanoseconds(flag));
  }
  if (o.integer("health-retries") < 0) fail_invalid("--health-retries cannot be negative");
  if (o.integer("health-retries")) check.set("Retries", o.integer("health-retries"));
  return check;
}

Value entrypoint(const Options& o) {
  if (!o.given("entrypoint")) return {};
  return Value::List{o.text("entrypoint")};
}

Ports ports_of(const Options& o) {
  Ports ports;
  for (const std::string& text : o.list("publish")) add_published(ports, text);
  for (const std::string& text : o.list("expose")) add_exposed(ports, text);
  return ports;
}

std::vector<NetworkChoice> networks_of(const Options& o) {
  std::vector<NetworkChoice> networks;
  for (const std::string& text : o.list("network")) networks.push_back(parse_network(text));
  if (networks.empty()) networks.push_back(parse_network("default"));
  auto conflict = [](std::string_view flag, std::string_view what) {
    fail_invalid("conflicting options: cannot specify both ", flag, " and per-network ", what);
  };
  NetworkChoice& first = networks.front();
  auto take = [&](std::string_view flag, std::string& into, std::string_view what) {
    if (!o.given(flag)) return;
    if (!into.empty()) conflict(cat("--", flag), what);
    into = o.text(flag);
  };
  if (o.given("network-alias")) {
    if (!first.aliases.empty()) conflict("--network-alias", "alias");
    first.aliases = o.list("network-alias");
  }
  take("ip", first.ipv4, "IPv4 address");
  take("ip6", first.ipv6, "IPv6 address");
  take("mac-address", first.mac, "MAC address");
  if (o.given("link-local-ip")) first.link_local = o.list("link-local-ip");
  if (first.is_user_defined()) first.links = o.list("link");
  return networks;
}

Value networking(const std::vector<NetworkChoice>& networks) {
  Value endpoints = Value::empty_map();
  bool own = false, builtin = false;
  for (const NetworkChoice& network : networks) {
    (network.is_user_defined() ? own : builtin) = true;
    if (!network.is_user_defined() && !network.aliases.empty())
      fail_invalid("network-scoped alias is supported only for containers in user defined networks");
    if (endpoints.find_exact(network.target))
      fail_invalid("network ", quoted(network.target), " is specified multiple times");
    endpoints.set(network.target, endpoint_json(network));
  }
  if (own && builtin)
    fail_invalid("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
  return Value::Map{{"EndpointsConfig", endpoints}};
}

// "devices" that are names of the Container Device Interface, and --gpus.
Value device_requests(const Options& o) {
  Value requests;
  for (const std::string& text : o.list("gpus")) requests.push(parse_gpus(text));
  Value names;
  for (const std::string& text : o.list("device"))
    if (is_cdi_name(text)) names.push(text);
  if (!names.is_null())
    requests.push(Value::Map{
        {"Driver", "cdi"}, {"Count", 0}, {"DeviceIDs", names}, {"Capabilities", nullptr}, {"Options", nullptr}});
  return requests;
}

Value devices(const Options& o) {
  Value out = Value::empty_list();
  for (const std::string& text : o.list("device"))
    if (!is_cdi_name(text)) out.push(parse_device(text));
  return out;
}

// "net_admin" as "CAP_NET_ADMIN", each once.
Value capabilities(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    std::string full = upper(trim(name));
    if (full != "ALL" && !full.starts_with("CAP_")) full = "CAP_" + full;
    if (std::ranges::find(out, full) == out.end()) out.push_back(full);
  }
  return Value::texts(out, true);
}

Value tmpfs(const Options& o) {
  Value out = Value::empty_map();
  for (const std::string& text : o.list("tmpfs")) {
    auto [path, options] = split_once(text, ':');
    out.set(path, options.value_or(""));
  }
  return out;
}

Value log_config(const Options& o) {
  if (o.text("log-driver") == "none" && o.given("log-opt")) fail_invalid("invalid logging opts for driver none");
  return Value::Map{{"Type", o.text("log-driver")}, {"Config", map_of(o.list("log-opt"))}};
}

Value console_size() {
  WindowSize size = window_size(STDOUT_FILENO);
  return Value::List{static_cast<std::int64_t>(size.rows), static_cast<std::int64_t>(size.columns)};
}

void check_mode(const Options& o, std::string_view flag, std::string_view what,
                std::initializer_list<std::string_view> known) {
  std::string mode = o.text(flag);
  if (mode.empty() || mode.starts_with("container:")) return;
  for (std::string_view one : known)
    if (mode == one) return;
  fail_invalid("--", flag, ": invalid ", what, " mode");
}

void check_options(const Options& o) {
  check_mode(o, "pid", "PID", {"host"});
  check_mode(o, "uts", "UTS", {"host"});
  check_mode(o, "userns", "USER", {"host", "private", "auto"});
  check_mode(o, "cgroupns", "CGROUP", {"host", "private"});
  if (auto swappiness = o.integer("memory-swappiness"); swappiness < -1 || swappiness > 100)
    fail_invalid("invalid value: ", swappiness, ". Valid memory swappiness range is 0-100");
  if (auto mode = o.text("pull"); mode != "always" && mode != "missing" && mode != "never" && !mode.empty())
    fail_invalid("invalid pull option: '", mode, "': must be one of \"always\", \"missing\" or \"never\"");
  if (o.is_set("rm"))
    if (auto policy = o.text("restart"); policy != "no" && !policy.empty())
      throw Error(Kind::kInvalidArgument, "conflicting options: cannot specify both --restart and --rm");
}

Value config(const Options& o, const Attached& attached, const Ports& ports, const Volumes& volumes) {
  Value out = Value::empty_map();
  std::vector<std::string> command(o.arguments.begin() + 1, o.arguments.end());
  out.set("Hostname", o.text("hostname"));
  out.set("Domainname", o.text("domainname"));
  out.set("User", o.text("user"));
  out.set("AttachStdin", attached.input);
  out.set("AttachStdout", attached.output);
  out.set("AttachStderr", attached.errors);
  if (!ports.exposed.empty()) out.set("ExposedPorts", exposed_json(ports));
  out.set("Tty", o.is_set("tty"));
  out.set("OpenStdin", o.is_set("interactive"));
  out.set("StdinOnce", o.is_set("interactive") && attached.input);
  out.set("Env", Value::texts(environment_of(o.list("env-file"), o.list("env")), true));
  out.set("Cmd", Value::texts(command, true));
  if (Value check = health_check(o); !check.is_null()) out.set("Healthcheck", check);
  if (o.given("health-on-failure")) out.set("HealthcheckOnFailureAction", o.text("health-on-failure"));
  out.set("Image", o.arguments[0]);
  Value anonymous = Value::empty_map();
  for (const std::string& target : volumes.anonymous) anonymous.set(target, Value::empty_map());
  out.set("Volumes", anonymous);
  out.set("WorkingDir", o.text("workdir"));
  out.set("Entrypoint", entrypoint(o));
  out.set("OnBuild", nullptr);
  out.set("Labels", labels_of(o.list("label-file"), o.list("label")));
  if (o.given("stop-signal")) out.set("StopSignal", o.text("stop-signal"));
  if (o.given("stop-timeout")) out.set("StopTimeout", o.integer("stop-timeout"));
  return out;
}

void add_resources(Value& out, const Options& o) {
  out.set("CpuShares", o.integer("cpu-shares"));
  out.set("Memory", o.bytes("memory"));
  out.set("NanoCpus", parse_cpus(o.text("cpus")));
  out.set("CgroupParent", o.text("cgroup-parent"));
  out.set("BlkioWeight", o.integer("blkio-weight"));
  out.set("BlkioWeightDevice", each(o.list("blkio-weight-device"), parse_weight_device));
  out.set("BlkioDeviceReadBps", each(o.list("device-read-bps"), parse_throttle_bytes));
  out.set("BlkioDeviceWriteBps", each(o.list("device-write-bps"), parse_throttle_bytes));
  out.set("BlkioDeviceReadIOps", each(o.list("device-read-iops"), parse_throttle_operations));
  out.set("BlkioDeviceWriteIOps", each(o.list("device-write-iops"), parse_throttle_operations));
  out.set("CpuPeriod", o.integer("cpu-period"));
  out.set("CpuQuota", o.integer("cpu-quota"));
  out.set("CpuRealtimePeriod", o.integer("cpu-rt-period"));
  out.set("CpuRealtimeRuntime", o.integer("cpu-rt-runtime"));
  out.set("CpusetCpus", o.text("cpuset-cpus"));
  out.set("CpusetMems", o.text("cpuset-mems"));
  out.set("Devices", devices(o));
  out.set("DeviceCgroupRules", Value::texts(o.list("device-cgroup-rule"), true));
  out.set("DeviceRequests", device_requests(o));
  out.set("MemoryReservation", o.bytes("memory-reservation"));
  out.set("MemorySwap", parse_swap(o.text("memory-swap")));
  out.set("MemorySwappiness", o.integer("memory-swappiness"));
  out.set("OomKillDisable", o.is_set("oom-kill-disable"));
  out.set("PidsLimit", o.integer("pids-limit"));
  out.set("Ulimits", each(o.list("ulimit"), parse_ulimit));
  out.set("CpuCount", 0);
  out.set("CpuPercent", 0);
  out.set("IOMaximumIOps", 0);
  out.set("IOMaximumBandwidth", 0);
}

void add_security(Value& out, const Options& o) {
  bool unconfined = false;
  auto options = security_options(o.list("security-opt"), unconfined);
  out.set("SecurityOpt", Value::texts(options, true));
  out.set("MaskedPaths", unconfined ? Value::empty_list() : Value());
  out.set("ReadonlyPaths", unconfined ? Value::empty_list() : Value());
}

Value host_config(const Options& o, const Ports& ports, const Volumes& volumes, const std::string& network_mode) {
  Value out = Value::empty_map();
  auto texts = [&](std::string_view field, std::string_view flag) { out.set(field, Value::texts(o.list(flag), true)); };
  auto text = [&](std::string_view field, std::string_view flag) { out.set(field, o.text(flag)); };
  out.set("Binds", Value::texts(volumes.binds, true));
  text("ContainerIDFile", "cidfile");
  out.set("LogConfig", log_config(o));
  out.set("NetworkMode", network_mode);
  out.set("PortBindings", bindings_json(ports));
  out.set("RestartPolicy", parse_restart_policy(o.text("restart")));
  out.set("AutoRemove", o.is_set("rm"));
  text("VolumeDriver", "volume-driver");
  texts("VolumesFrom", "volumes-from");
  out.set("ConsoleSize", console_size());
  if (o.given("annotation")) out.set("Annotations", map_of(o.list("annotation")));
  out.set("CapAdd", capabilities(o.list("cap-add")));
  out.set("CapDrop", capabilities(o.list("cap-drop")));
  text("CgroupnsMode", "cgroupns");
  out.set("Dns", Value::texts(o.list("dns")));
  out.set("DnsOptions", Value::texts(o.list("dns-option")));
  out.set("DnsSearch", Value::texts(o.list("dns-search")));
  texts("ExtraHosts", "add-host");
  texts("GroupAdd", "group-add");
  text("IpcMode", "ipc");
  out.set("Cgroup", "");
  texts("Links", "link");
  out.set("OomScoreAdj", o.integer("oom-score-adj"));
  text("PidMode", "pid");
  out.set("Privileged", o.is_set("privileged"));
  out.set("PublishAllPorts", o.is_set("publish-all"));
  out.set("ReadonlyRootfs", o.is_set("read-only"));
  if (o.given("storage-opt")) out.set("StorageOpt", map_of(o.list("storage-opt")));
  if (o.given("tmpfs")) out.set("Tmpfs", tmpfs(o));
  text("UTSMode", "uts");
  text("UsernsMode", "userns");
  out.set("ShmSize", o.bytes("shm-size"));
  if (o.given("sysctl")) out.set("Sysctls", map_of(o.list("sysctl")));
  if (o.given("runtime")) text("Runtime", "runtime");
  text("Isolation", "isolation");
  add_resources(out, o);
  if (o.given("mount")) out.set("Mounts", each(o.list("mount"), parse_mount));
  add_security(out, o);
  if (o.given("init")) out.set("Init", o.is_set("init"));
  return out;
}

}  // namespace

Attached attached_streams(const Options& o, bool detached) {
  Attached attached;
  auto chosen = o.list("attach");
  for (const std::string& text : chosen) {
    std::string stream = lower(text);
    if (stream == "stdin")
      attached.input = true;
    else if (stream == "stdout")
      attached.output = true;
    else
      attached.errors = true;
  }
  if (chosen.empty() && !detached) {
    attached.output = attached.errors = true;
    attached.input = o.is_set("interactive");
  }
  return attached;
}

Value container_request(const Options& o, bool detached) {
  check_options(o);
  Ports ports = ports_of(o);
  Volumes volumes;
  for (const std::string& text : o.list("volume")) add_volume(volumes, text);
  auto networks = networks_of(o);
  Value request = config(o, attached_streams(o, detached), ports, volumes);
  request.set("HostConfig", host_config(o, ports, volumes, networks.front().target));
  request.set("NetworkingConfig", networking(networks));
  return request;
}

Value update_request(const Options& o) {
  Value out = Value::empty_map();
  constexpr std::pair<std::string_view, std::string_view> kIntegers[] = {
      {"BlkioWeight", "blkio-weight"},        {"CpuPeriod", "cpu-period"}, {"CpuQuota", "cpu-quota"},
      {"CpuRealtimePeriod", "cpu-rt-period"}, {"CpuShares", "cpu-shares"}, {"CpuRealtimeRuntime", "cpu-rt-runtime"},
  };
  for (auto [field, flag] : kIntegers)
    if (o.given(flag)) out.set(field, o.integer(flag));
  for (auto [field, flag] : {std::pair{"Memory", "memory"}, {"MemoryReservation", "memory-reservation"}})
    if (o.given(flag)) out.set(field, o.bytes(flag));
  for (auto [field, flag] : {std::pair{"CpusetCpus", "cpuset-cpus"}, {"CpusetMems", "cpuset-mems"}})
    if (o.given(flag)) out.set(field, o.text(flag));
  if (o.given("memory-swap")) out.set("MemorySwap", parse_swap(o.text("memory-swap")));
  if (o.given("cpus")) out.set("NanoCpus", parse_cpus(o.text("cpus")));
  if (o.given("pids-limit")) out.set("PidsLimit", o.integer("pids-limit"));
  if (o.given("env") || o.given("env-file"))
    out.set("Env", Value::texts(environment_of(o.list("env-file"), o.list("env"))));
  if (o.given("label")) out.set("Labels", labels_of({}, o.list("label")));
  for (auto [field, flag] : {std::pair{"UnsetEnv", "unsetenv"}, {"UnsetLabels", "unsetlabel"}})
    if (o.given(flag)) out.set(field, Value::texts(o.list(flag)));
  if (out.map().empty() && !o.given("restart"))
    fail_invalid("you must provide one or more flags when using this command");
  if (o.given("restart")) out.set("RestartPolicy", parse_restart_policy(o.text("restart")));
  return out;
}

}  // namespace hull::cli
