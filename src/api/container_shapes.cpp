// SPDX-License-Identifier: Apache-2.0
#include "api/container_shapes.h"

#include <algorithm>
#include <set>

#include "base/id.h"
#include "container/links.h"
#include "container/persistent.h"
#include "container/spec_fields.h"
#include "oci/json.h"

namespace hull::api {

namespace {

using container::State;
using container::Status;

Json state_shape(const State& state) {
  Json out;
  out["Status"] = std::string(container::to_string(state.status));
  out["Running"] = counts_as_running(state);
  out["Paused"] = state.status == Status::kPaused;
  out["Restarting"] = state.status == Status::kRestarting;
  out["OOMKilled"] = state.oom_killed;
  out["Dead"] = state.status == Status::kDead;
  out["Pid"] = state.pid;
  out["ExitCode"] = state.exit_code;
  out["Error"] = state.error;
  out["StartedAt"] = format_rfc3339(state.started);
  out["FinishedAt"] = format_rfc3339(state.finished);
  if (!state.health) return out;
  Json log = Json::array();
  for (const auto& result : state.health->log)
    log.push_back({{"Start", format_rfc3339(result.start)},
                   {"End", format_rfc3339(result.end)},
                   {"ExitCode", result.exit_code},
                   {"Output", result.output}});
  out["Health"] = {{"Status", state.health->status}, {"FailingStreak", state.health->failing_streak}, {"Log", log}};
  return out;
}

Json ports_shape(const State& state) {
  std::map<std::string, Json> ports;
  if (!counts_as_running(state)) return Json::object();
  for (const auto& [port, empty] : state.spec->config.exposed_ports) ports[port] = nullptr;
  auto add = [&](const network::PortBinding& binding) {
    Json& list = ports[cat(binding.container_port, "/", binding.protocol)];
    if (list.is_null()) list = Json::array();
    list.push_back({{"HostIp", binding.host_ip}, {"HostPort", binding.host_port ? cat(binding.host_port) : ""}});
  };
  // Ports of the host come first; without one it is the container's own address that is reached.
  for (bool of_host : {true, false})
    for (const auto& [name, endpoint] : state.endpoints)
      for (const auto& binding : endpoint.ports)
        if ((binding.host_port != 0) == of_host) add(binding);
  return to_json(ports);
}

// Where the container is, or (not running) would be, in a network.
Json endpoint_shape(const State& state, const std::string& name, const Call& call) {
  static const container::EndpointSettings kNoSettings;
  static const network::Endpoint kNowhere;
  auto settings_at = state.spec->endpoints.find(name);
  auto endpoint_at = state.endpoints.find(name);
  const auto& settings = settings_at == state.spec->endpoints.end() ? kNoSettings : settings_at->second;
  const auto& endpoint = endpoint_at == state.endpoints.end() ? kNowhere : endpoint_at->second;
  bool has_dns = name != "bridge" && name != "host" && name != "none";
  auto aliases = settings.aliases;
  if (has_dns && !call.since(45)) {
    if (!aliases) aliases.emplace();
    aliases->push_back(short_id(state.id));
  }
  Json out;
  out["IPAMConfig"] = to_json(settings.ipam_config);
  out["Links"] = to_json(settings.links);
  out["Aliases"] = to_json(aliases);
  out["MacAddress"] = endpoint.mac_address.empty() ? settings.mac_address : endpoint.mac_address;
  out["DriverOpts"] = settings.driver_opts.empty() ? Json(nullptr) : to_json(settings.driver_opts);
  if (call.since(48)) out["GwPriority"] = settings.gw_priority;
  out["NetworkID"] = endpoint.network_id;
  if (endpoint.network_id.empty())
    if (auto network = call.services().networks.find(name)) out["NetworkID"] = network->id;
  out["EndpointID"] = endpoint.endpoint_id;
  // Networks without neighbours have a route, and no gateway.
  out["Gateway"] = endpoint.gateway == "0.0.0.0" ? "" : endpoint.gateway;
  out["IPAddress"] = endpoint.address;
  out["IPPrefixLen"] = endpoint.prefix_length;
  out["IPv6Gateway"] = endpoint.gateway6 == "::" ? "" : endpoint.gateway6;
  out["GlobalIPv6Address"] = endpoint.address6;
  out["GlobalIPv6PrefixLen"] = endpoint.prefix_length6;
  if (call.since(44)) out["DNSNames"] = has_dns ? to_json(dns_names(state, settings)) : Json(nullptr);
  return out;
}

Json networks_shape(const State& state, const Call& call) {
  Json out = Json::object();
  if (state.spec->host.network_mode.starts_with("container:")) return out;
  // Who was taken off all of its networks is on that of its mode again after a start.
  for (const auto& [name, endpoint] : state.endpoints) out[name] = endpoint_shape(state, name, call);
  for (const auto& [name, settings] : state.spec->endpoints) out[name] = endpoint_shape(state, name, call);
  return out;
}

// What came before a container could be in several networks: its place on the default bridge.
void add_place_on_bridge(Json& out, const State& state) {
  static const network::Endpoint kNowhere;
  auto on_bridge = state.endpoints.find("bridge");
  const auto& endpoint = on_bridge == state.endpoints.end() ? kNowhere : on_bridge->second;
  out["Bridge"] = "";
  out["HairpinMode"] = false;
  out["LinkLocalIPv6Address"] = "";
  out["LinkLocalIPv6PrefixLen"] = 0;
  out["SecondaryIPAddresses"] = nullptr;
  out["SecondaryIPv6Addresses"] = nullptr;
  out["EndpointID"] = endpoint.endpoint_id;
  out["Gateway"] = endpoint.gateway;
  out["GlobalIPv6Address"] = endpoint.address6;
  out["GlobalIPv6PrefixLen"] = endpoint.prefix_length6;
  out["IPAddress"] = endpoint.address;
  out["IPPrefixLen"] = endpoint.prefix_length;
  out["IPv6Gateway"] = endpoint.gateway6;
  out["MacAddress"] = endpoint.mac_address;
}

Json network_settings_shape(const State& state, const Call& call) {
  Json out;
  out["SandboxID"] = state.pid > 0 ? state.id : "";
  out["SandboxKey"] = state.pid > 0 ? cat("/proc/", state.pid, "/ns/net") : "";
  out["Ports"] = ports_shape(state);
  if (!call.since(52)) add_place_on_bridge(out, state);
  out["Networks"] = networks_shape(state, call);
  return out;
}

Json graph_driver_shape(const State& state, const Call& call) {
  std::string upper = call.services().snapshots.upper_directory(state.id);
  Json data;
  data["ID"] = state.id;
  std::vector<std::string> lower;
  if (auto image = call.services().images.find(state.spec->image_id))
    for (auto layer = image->layer_chain_ids.rbegin(); layer != image->layer_chain_ids.rend(); ++layer)
      lower.push_back(cat(call.engine.configuration().data_root, "/layers/",
                          layer->starts_with("sha256:") ? layer->substr(7) : *layer, "/diff"));
  data["LowerDir"] = join(lower, ":");
  // The mount is in nobody's mount table: through the container's own root it can be looked at.
  if (state.pid > 0) data["MergedDir"] = cat("/proc/", state.pid, "/root");
  data["UpperDir"] = upper;
  data["WorkDir"] = cat(std::string_view(upper).substr(0, upper.rfind('/')), "/work");
  return {{"Data", data}, {"Name", "overlay2"}};
}

Json mounts_shape(const State& state) {
  Json out = Json::array();
  for (const auto& mount : state.mounts) out.push_back(to_json(mount));
  return out;
}

// "/db:/web/db": the names that both have now. A link to a container that was removed is none any more.
Json links_shape(const State& state, const Call& call) {
  Json out = Json::array();
  for (const auto& link : links_of(*state.spec)) {
    try {
      out.push_back(cat("/", call.engine.get(link.target)->name, ":/", state.name, "/", link.alias));
    } catch (const Error& e) {
      if (e.kind() != Kind::kNotFound) throw;
    }
  }
  return out.empty() ? Json(nullptr) : out;
}

Json host_config_shape(const State& state, const Call& call) {
  Json out = to_json(state.spec->host);
  if (!links_of(*state.spec).empty()) out["Links"] = links_shape(state, call);
  if (state.spec->host.console_size.empty()) out["ConsoleSize"] = {0, 0};
  if (call.since(52)) out.erase("KernelMemoryTCP");
  return out;
}

// The address that was asked for on the main network is shown where it was before 1.44, too.
Json config_shape(const State& state, const Call& call) {
  container::Config config = state.spec->config;
  auto main = state.spec->endpoints.find(state.spec->host.network_mode);
  if (main != state.spec->endpoints.end() && !main->second.mac_address.empty())
    config.mac_address = main->second.mac_address;
  Json out = to_json(config);
  if (call.since(52) && out["OnBuild"].is_null()) out.erase("OnBuild");
  return out;
}

std::string command_text(const State& state) {
  std::string text = state.spec->path;
  for (const auto& word : state.spec->args) text += word.find(' ') == word.npos ? cat(" ", word) : cat(" '", word, "'");
  return text;
}

// The name that the container was made from, as long as it still means the same image.
std::string image_name(const State& state, const Call& call) {
  const std::string& name = state.spec->config.image;
  try {
    auto image = call.services().images.find(name);
    if (image && image->id == state.spec->image_id) return name;
  } catch (const Error&) {
    // An id that was a unique prefix once, and is ambiguous by now.
  }
  return state.spec->image_id;
}

Json port_list_shape(const State& state) {
  Json out = Json::array();
  if (!counts_as_running(state)) return out;
  std::set<std::string> published;
  for (const auto& [name, endpoint] : state.endpoints)
    for (const auto& binding : endpoint.ports) {
      Json one = {{"IP", binding.host_ip}, {"PrivatePort", binding.container_port}};
      if (binding.host_port) one["PublicPort"] = binding.host_port;
      one["Type"] = binding.protocol;
      out.push_back(std::move(one));
      published.insert(cat(binding.container_port, "/", binding.protocol));
    }
  for (const auto& [port, empty] : state.spec->config.exposed_ports) {
    if (published.contains(port)) continue;
    auto [number, protocol] = split_once(port, '/');
    if (auto value = parse_number<std::uint16_t>(number))
      out.push_back({{"PrivatePort", *value}, {"Type", std::string(protocol.value_or("tcp"))}});
  }
  return out;
}

}  // namespace

JsonValue inspect_shape(const State& state, const Call& call) {
  Json out;
  out["Id"] = state.id;
  out["Created"] = format_rfc3339({state.spec->created});
  out["Path"] = state.spec->path;
  out["Args"] = state.spec->args;
  out["State"] = state_shape(state);
  out["Image"] = state.spec->image_id;
  out["ResolvConfPath"] = state.resolv_conf_path;
  out["HostnamePath"] = state.hostname_path;
  out["HostsPath"] = state.hosts_path;
  out["LogPath"] = state.log_path;
  out["Name"] = "/" + state.name;
  out["RestartCount"] = state.restart_count;
  out["Driver"] = "overlay2";
  out["Platform"] = "linux";
  out["MountLabel"] = "";
  out["ProcessLabel"] = "";
  out["AppArmorProfile"] = state.apparmor_profile;
  out["ExecIDs"] = state.running_execs.empty() ? Json(nullptr) : Json(state.running_execs);
  out["HostConfig"] = host_config_shape(state, call);
  out["GraphDriver"] = graph_driver_shape(state, call);
  out["Mounts"] = mounts_shape(state);
  out["Config"] = config_shape(state, call);
  out["NetworkSettings"] = network_settings_shape(state, call);
  return out;
}

JsonValue summary_shape(const State& state, const Call& call, Timestamp now) {
  constexpr std::size_t kMembers = 15;
  Json out = Json::object();
  out.get_ref<Json::object_t&>().reserve(kMembers);
  out["Id"] = state.id;
  out["Names"] = {"/" + state.name};
  out["Image"] = image_name(state, call);
  out["ImageID"] = state.spec->image_id;
  out["Command"] = command_text(state);
  out["Created"] = state.spec->created / 1'000'000'000;
  out["Ports"] = port_list_shape(state);
  out["Labels"] = to_json(state.spec->config.labels);
  out["State"] = std::string(container::to_string(state.status));
  out["Status"] = status_text(state, now);
  out["HostConfig"] = {{"NetworkMode", state.spec->host.network_mode}};
  if (call.since(46) && !state.spec->host.annotations.empty())
    out["HostConfig"]["Annotations"] = to_json(state.spec->host.annotations);
  out["NetworkSettings"] = {{"Networks", networks_shape(state, call)}};
  out["Mounts"] = mounts_shape(state);
  if (state.health && call.since(52))
    out["Health"] = {{"Status", state.health->status}, {"FailingStreak", state.health->failing_streak}};
  return out;
}

std::string human_duration(std::int64_t seconds) {
  std::int64_t minutes = seconds / 60, hours = (seconds + 1800) / 3600;
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return cat(seconds, " seconds");
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return cat(minutes, " minutes");
  if (hours == 1) return "About an hour";
  if (hours < 48) return cat(hours, " hours");
  if (hours < 24 * 7 * 2) return cat(hours / 24, " days");
  if (hours < 24 * 30 * 2) return cat(hours / 24 / 7, " weeks");
  if (hours < 24 * 365 * 2) return cat(hours / 24 / 30, " months");
  return cat(seconds / 3600 / 24 / 365, " years");
}

std::string status_text(const State& state, Timestamp now) {
  auto since = [&](Timestamp then) { return human_duration((now.nanoseconds - then.nanoseconds) / 1'000'000'000); };
  switch (state.status) {
    case Status::kCreated: return "Created";
    case Status::kDead: return "Dead";
    case Status::kRemoving: return "Removal In Progress";
    case Status::kPaused: return cat("Up ", since(state.started), " (Paused)");
    case Status::kRestarting: return cat("Restarting (", state.exit_code, ") ", since(state.finished), " ago");
    case Status::kExited: return cat("Exited (", state.exit_code, ") ", since(state.finished), " ago");
    case Status::kRunning: break;
  }
  std::string text = cat("Up ", since(state.started));
  if (!state.health || state.health->status.empty()) return text;
  return cat(text, state.health->status == "starting" ? " (health: starting)" : cat(" (", state.health->status, ")"));
}

}  // namespace hull::api
