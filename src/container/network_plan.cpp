// SPDX-License-Identifier: Apache-2.0
#include "container/network_plan.h"

#include <algorithm>

#include "base/file.h"
#include "base/id.h"
#include "container/link_use.h"
#include "container/normalize.h"

namespace hull::container {

namespace {

constexpr std::string_view kContainerMode = "container:";

struct NetworkFiles {
  std::string resolv_conf, hosts;
};

// In all of its interfaces, also that of ::1.
bool has_ipv6_off(const Spec& spec) {
  auto found = spec.host.sysctls.find("net.ipv6.conf.all.disable_ipv6");
  return found != spec.host.sysctls.end() && trim(found->second) != "0";
}

NetworkFiles files_for(Engine::Impl& engine, const State& state, const network::Endpoints& endpoints) {
  const Spec& spec = *state.spec;
  const HostConfig& host = spec.host;
  auto strings = [](const std::optional<Strings>& list) { return list.value_or(Strings{}); };
  auto& networks = engine.services.networks;
  NetworkFiles files;
  // The engine's name server is there as soon as one network is the user's.
  std::string mode = host.network_mode == "host" || host.network_mode == "none" ? host.network_mode : "bridge";
  for (const auto& [name, endpoint] : endpoints)
    if (is_user_defined(name)) mode = name;
  files.resolv_conf =
      networks.resolv_conf(mode, strings(host.dns), strings(host.dns_search), strings(host.dns_options));
  files.hosts = host.network_mode == "host" && !host.extra_hosts
                    ? read_if_exists("/etc/hosts").value_or("")
                    : networks.hosts_file(spec.config.hostname, spec.config.domainname, endpoints,
                                          strings(host.extra_hosts), !has_ipv6_off(spec));
  if (has_links(spec) && endpoints.contains("bridge")) files.hosts += link_hosts(engine, state);
  return files;
}

// In place: the file is mounted in the container.
void write_in_place(const std::string& path, const std::string& text) {
  UniqueFd file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  write_all(file.get(), text);
}

void write_network_files(Engine::Impl& engine, const State& state) {
  NetworkFiles files = files_for(engine, state, state.endpoints);
  write_in_place(state.hostname_path, state.spec->config.hostname + "\n");
  write_in_place(state.resolv_conf_path, files.resolv_conf);
  write_in_place(state.hosts_path, files.hosts);
}

PreparedNetwork join_container(Engine::Impl& engine, State& state, const std::string& target_id) {
  auto target = engine.registry.get(target_id)->state();
  PreparedNetwork prepared;
  prepared.network_namespace = network_namespace_of(*target);
  state.hosts_path = target->hosts_path;
  state.hostname_path = target->hostname_path;
  state.resolv_conf_path = target->resolv_conf_path;
  return prepared;
}

// That of the network mode has eth0.
Strings networks_in_order(const Spec& spec, const std::string& first) {
  Strings names;
  if (spec.endpoints.empty() || spec.endpoints.contains(first)) names.push_back(first);
  for (const auto& [name, settings] : spec.endpoints)
    if (name != first) names.push_back(name);
  return names;
}

PreparedNetwork plug_in(Engine::Impl& engine, State& state, const std::string& mode, int own_namespace) {
  auto& networks = engine.services.networks;
  auto by_mode = networks.find(mode);
  network::AttachRequest request;
  request.network_namespace = own_namespace;
  request.container_id = state.id;
  request.container_name = state.name;
  for (const auto& name : networks_in_order(*state.spec, by_mode ? by_mode->name : mode))
    request.endpoints.push_back(endpoint_request(state, networks.get(name)));
  request.ports = plan_ports(*state.spec);
  request.name_servers = state.spec->host.dns.value_or(Strings{});
  auto attachment = networks.attach(request);
  PreparedNetwork prepared;
  prepared.network_namespace = std::move(attachment.network_namespace);
  prepared.endpoints = std::move(attachment.endpoints);
  return prepared;
}

// The lines of a hosts file, but for those of `endpoints`.
std::string without_own_lines(const std::string& text, const network::Endpoints& endpoints) {
  std::string kept;
  for (auto line : split(text, '\n')) {
    auto address = line.substr(0, line.find_first_of(" \t"));
    bool own = false;
    for (const auto& [name, endpoint] : endpoints)
      own = own || (!address.empty() && (address == endpoint.address || address == endpoint.address6));
    if (!own) kept += cat(line, "\n");
  }
  while (kept.ends_with("\n\n")) kept.pop_back();
  return kept;
}

}  // namespace

bool is_user_defined(std::string_view network) {
  return !network.empty() && network != "default" && network != "bridge" && network != "host" && network != "none" &&
         !network.starts_with(kContainerMode);
}

// The namespace of a running container is opened through its first process; the pidfd that the engine holds
// proves that the number still means that process.
UniqueFd network_namespace_of(const State& state) {
  require_running(state);
  return open_file(cat("/proc/", state.pid, "/ns/net"), O_RDONLY);
}

Strings dns_names(const State& state, const EndpointSettings& settings) {
  Strings names;
  auto add = [&](const std::string& name) {
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  add(state.name);
  for (const auto& alias : settings.aliases.value_or(Strings{})) add(alias);
  add(short_id(state.id));
  add(state.spec->config.hostname);
  return names;
}

network::EndpointRequest endpoint_request(const State& state, const network::Network& network) {
  static const EndpointSettings kNone;
  auto found = state.spec->endpoints.find(network.name);
  const EndpointSettings& settings = found == state.spec->endpoints.end() ? kNone : found->second;
  network::EndpointRequest request;
  request.network = network.id;
  request.mac_address = settings.mac_address;
  if (request.mac_address.empty() && state.spec->host.network_mode == network.name)
    request.mac_address = state.spec->config.mac_address;
  if (settings.ipam_config) {
    request.address = settings.ipam_config->ipv4_address;
    request.address6 = settings.ipam_config->ipv6_address;
    request.link_local = settings.ipam_config->link_local_ips.value_or(Strings{});
  }
  if (is_user_defined(network.name)) request.names = dns_names(state, settings);
  request.links = settings.links.value_or(Strings{});
  request.driver_options = settings.driver_opts;
  request.gateway_priority = settings.gw_priority;
  request.ipv6 = !has_ipv6_off(*state.spec);
  return request;
}

void check_endpoint_settings(const network::Networks& networks, const network::Network& network,
                             const EndpointSettings& settings) {
  network::EndpointRequest request;
  if (settings.ipam_config) {
    request.address = settings.ipam_config->ipv4_address;
    request.address6 = settings.ipam_config->ipv6_address;
    request.link_local = settings.ipam_config->link_local_ips.value_or(Strings{});
  }
  request.mac_address = settings.mac_address;
  request.driver_options = settings.driver_opts;
  request.names = settings.aliases.value_or(Strings{});
  try {
    networks.check_endpoint(network, request);
  } catch (const Error& e) {
    throw e.within(cat("invalid config for network ", network.name));
  }
}

void resolve_networks(Spec& spec, const network::Networks& networks) {
  std::map<std::string, EndpointSettings> resolved;
  for (auto& [given, settings] : spec.endpoints) {
    auto network = networks.find(given);
    if (network) check_endpoint_settings(networks, *network, settings);
    std::string name = network ? network->name : given;
    auto [place, inserted] = resolved.emplace(name, settings);
    // Named twice, by name and by id: the one with settings counts.
    if (!inserted && given != name) place->second = settings;
  }
  spec.endpoints = std::move(resolved);
  // The administrator has no default bridge (--bridge none): who would be on it has no network.
  if (spec.endpoints.contains("bridge") && !networks.find("bridge")) spec.config.network_disabled = true;
}

void update_network_files(Engine::Impl& engine, const State& state, const network::Endpoints& before) {
  NetworkFiles old = files_for(engine, state, before), wanted = files_for(engine, state, state.endpoints);
  if (read_if_exists(state.resolv_conf_path) == old.resolv_conf && wanted.resolv_conf != old.resolv_conf)
    write_in_place(state.resolv_conf_path, wanted.resolv_conf);
  std::string hosts = read_if_exists(state.hosts_path).value_or("");
  if (hosts != old.hosts) {
    wanted.hosts = without_own_lines(hosts, before);
    for (const auto& [name, endpoint] : state.endpoints)
      for (const auto& address : {endpoint.address, endpoint.address6})
        if (!address.empty()) wanted.hosts += cat(address, "\t", state.spec->config.hostname, "\n");
  }
  write_in_place(state.hosts_path, wanted.hosts);
}

PreparedNetwork prepare_network(Engine::Impl& engine, State& state, int own_namespace) {
  const std::string& mode = state.spec->host.network_mode;
  if (mode.starts_with(kContainerMode)) return join_container(engine, state, mode.substr(kContainerMode.size()));
  const bool links = has_links(*state.spec);
  if (links) require_linked(engine, state);
  PreparedNetwork prepared;
  if (state.spec->config.network_disabled) {
    prepared.network_namespace = engine.services.networks.isolated_namespace(own_namespace);
  } else {
    prepared = plug_in(engine, state, mode, own_namespace);
    if (mode == "host") prepared.network_namespace = UniqueFd();
  }
  state.endpoints = prepared.endpoints;
  write_network_files(engine, state);
  if (links) open_links(engine, state);
  return prepared;
}

}  // namespace hull::container
