// SPDX-License-Identifier: Apache-2.0
#include "container/network_plan.h"

#include "base/file.h"
#include "container/normalize.h"

namespace hull::container {

namespace {

constexpr std::string_view kContainerMode = "container:";

// The namespace of a running container is opened through its first process; the pidfd that the engine holds
// proves that the number still means that process.
UniqueFd namespace_of(const State& target) {
  require_running(target);
  return open_file(cat("/proc/", target.pid, "/ns/net"), O_RDONLY);
}

const EndpointSettings* settings_of(const Spec& spec, const std::string& network) {
  auto found = spec.endpoints.find(network);
  return found == spec.endpoints.end() ? nullptr : &found->second;
}

void write_network_files(Engine::Impl& engine, const State& state) {
  const Spec& spec = *state.spec;
  const HostConfig& host = spec.host;
  auto strings = [](const std::optional<Strings>& list) { return list.value_or(Strings{}); };
  auto defaults = engine.defaults();
  auto or_default = [](const std::optional<Strings>& list, const Strings& otherwise) {
    return list && !list->empty() ? *list : otherwise;
  };
  std::optional<network::Endpoint> endpoint;
  if (!state.endpoints.empty()) endpoint = state.endpoints.begin()->second;
  auto& networks = engine.services.networks;
  auto write = [](const std::string& path, const std::string& text) {
    UniqueFd file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    write_all(file.get(), text);
  };
  write(state.hostname_path, spec.config.hostname + "\n");
  write(state.resolv_conf_path, networks.resolv_conf(host.network_mode, or_default(host.dns, defaults->dns),
                                                     or_default(host.dns_search, defaults->dns_search),
                                                     or_default(host.dns_options, defaults->dns_options)));
  write(state.hosts_path,
        host.network_mode == "host" && !host.extra_hosts
            ? read_if_exists("/etc/hosts").value_or("")
            : networks.hosts_file(spec.config.hostname, spec.config.domainname, endpoint, strings(host.extra_hosts)));
}

PreparedNetwork join_container(Engine::Impl& engine, State& state, const std::string& target_id) {
  auto target = engine.registry.get(target_id)->state();
  PreparedNetwork prepared;
  prepared.network_namespace = namespace_of(*target);
  state.hosts_path = target->hosts_path;
  state.hostname_path = target->hostname_path;
  state.resolv_conf_path = target->resolv_conf_path;
  return prepared;
}

PreparedNetwork plug_in(Engine::Impl& engine, State& state, const std::string& mode, int own_namespace) {
  network::AttachRequest request;
  request.network_namespace = own_namespace;
  request.container_id = state.id;
  request.container_name = state.name;
  request.network = mode;
  request.ports = plan_ports(*state.spec);
  request.mac_address = state.spec->config.mac_address;
  if (const auto* settings = settings_of(*state.spec, mode); settings && !settings->mac_address.empty())
    request.mac_address = settings->mac_address;
  auto attachment = engine.services.networks.attach(request);
  PreparedNetwork prepared;
  prepared.network_namespace = std::move(attachment.network_namespace);
  prepared.endpoints.emplace(attachment.endpoint.network, std::move(attachment.endpoint));
  return prepared;
}

}  // namespace

PreparedNetwork prepare_network(Engine::Impl& engine, State& state, int own_namespace) {
  const std::string& mode = state.spec->host.network_mode;
  if (mode.starts_with(kContainerMode)) return join_container(engine, state, mode.substr(kContainerMode.size()));
  PreparedNetwork prepared;
  if (mode == "none" || state.spec->config.network_disabled)
    prepared.network_namespace = engine.services.networks.isolated_namespace(own_namespace);
  else if (mode != "host")
    prepared = plug_in(engine, state, mode, own_namespace);
  state.endpoints = prepared.endpoints;
  write_network_files(engine, state);
  return prepared;
}

}  // namespace hull::container
