// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/error.h"
#include "container/normalize_steps.h"
#include "container/user_namespace.h"
#include "linux/cgroup.h"
#include "linux/ip_address.h"

namespace hull::container {

namespace {

constexpr std::string_view kContainer = "container:";
constexpr std::string_view kDefaultNetwork = "bridge";

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> values) {
  return std::ranges::find(values, value) != values.end();
}

// A container that is not there is the client's mistake: a 404 would make it look for the image instead.
std::string id_for_mode(const IdLookup& id_of, std::string_view name) {
  try {
    return id_of(name);
  } catch (const Error& e) {
    if (e.kind() != Kind::kNotFound) throw;
    throw Error(Kind::kInvalidArgument, e.message());
  }
}

void resolve_container(std::string& mode, const IdLookup& id_of) {
  if (!mode.starts_with(kContainer)) return;
  mode = cat(kContainer, id_for_mode(id_of, std::string_view(mode).substr(kContainer.size())));
}

bool names_container(std::string_view mode) { return mode.starts_with(kContainer) && mode.size() > kContainer.size(); }

std::string default_cgroupns_mode() {
  return linux::cgroup_facts().version == linux::CgroupVersion::kV2 ? "private" : "host";
}

constexpr std::array<std::string_view, 8> kIpcSysctls = {"kernel.msgmax", "kernel.msgmnb",         "kernel.msgmni",
                                                         "kernel.sem",    "kernel.shmall",         "kernel.shmmax",
                                                         "kernel.shmmni", "kernel.shm_rmid_forced"};

bool belongs_to_ipc(std::string_view name) {
  return name.starts_with("fs.mqueue.") || std::ranges::find(kIpcSysctls, name) != kIpcSysctls.end();
}

}  // namespace

void normalize_network(Spec& spec) {
  std::string& mode = spec.host.network_mode;
  if (mode.empty() || mode == "default") mode = kDefaultNetwork;
  if (auto given = spec.endpoints.extract("default")) {
    given.key() = kDefaultNetwork;
    spec.endpoints.insert(std::move(given));
  }
  for (const auto& [network, settings] : spec.endpoints)
    if (!settings.mac_address.empty() && !linux::is_mac_address(settings.mac_address))
      fail_invalid("invalid MAC address: ", settings.mac_address);
  if (!spec.config.mac_address.empty() && !linux::is_mac_address(spec.config.mac_address))
    fail_invalid("invalid MAC address: ", spec.config.mac_address);
  // The default network is for containers that name none.
  if (mode == kDefaultNetwork && !spec.endpoints.empty()) return;
  if (!mode.starts_with(kContainer)) spec.endpoints.try_emplace(mode);
}

void check_network_conflicts(const Spec& spec) {
  const HostConfig& host = spec.host;
  if (host.uts_mode == "host" && !spec.config.hostname.empty())
    fail_invalid("conflicting options: hostname and the UTS mode");
  if (host.network_mode == "container") fail_invalid("invalid container format container:<name|id>");
  auto given = [](const std::optional<Strings>& list) { return list && !list->empty(); };
  if (host.network_mode == "host" && given(host.links))
    fail_invalid(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior");
  if (!host.network_mode.starts_with(kContainer)) return;
  if (!names_container(host.network_mode)) fail_invalid("invalid container format container:<name|id>");
  struct Conflict {
    bool is;
    std::string_view what;
  };
  bool has_mac = std::ranges::any_of(spec.endpoints, [](const auto& item) { return !item.second.mac_address.empty(); });
  for (auto [is, what] :
       {Conflict{!spec.config.hostname.empty(), "hostname and the network mode"},
        Conflict{given(host.links),
                 "container type network can't be used with links. This would result in undefined behavior"},
        Conflict{given(host.dns), "dns and the network mode"},
        Conflict{given(host.extra_hosts), "custom host-to-IP mapping and the network mode"},
        Conflict{has_mac || !spec.config.mac_address.empty(), "mac-address and the network mode"},
        Conflict{!host.port_bindings.empty() || host.publish_all_ports,
                 "port publishing and the container type network mode"},
        Conflict{!spec.config.exposed_ports.empty(), "port exposing and the container type network mode"}})
    if (is) fail_invalid("conflicting options: ", what);
}

void normalize_modes(HostConfig& host, const IdLookup& id_of) {
  if (host.ipc_mode.empty()) host.ipc_mode = "private";
  if (!is_one_of(host.ipc_mode, {"none", "private", "shareable", "host"}) && !names_container(host.ipc_mode))
    fail_invalid("invalid IPC mode: ", host.ipc_mode);
  if (!is_one_of(host.pid_mode, {"", "host"}) && !names_container(host.pid_mode))
    fail_invalid("invalid PID mode: ", host.pid_mode);
  if (!is_one_of(host.uts_mode, {"", "host"})) fail_invalid("invalid UTS mode: ", host.uts_mode);
  if (!is_one_of(host.userns_mode, {"", "host", "private", "auto"}))
    fail_invalid("invalid user namespace mode: ", host.userns_mode);
  if (!is_one_of(host.cgroupns_mode, {"", "host", "private"}))
    fail_invalid("invalid cgroup namespace mode: ", host.cgroupns_mode);
  if (host.cgroupns_mode.empty()) host.cgroupns_mode = default_cgroupns_mode();
  for (std::string* mode : {&host.network_mode, &host.ipc_mode, &host.pid_mode}) resolve_container(*mode, id_of);
}

void check_user_namespace(const HostConfig& host, const Configuration& configuration) {
  if (!has_user_namespace(host, configuration)) return;
  if (host.privileged)
    fail_invalid(
        "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when "
        "running privileged mode");
  if (host.network_mode == "host")
    fail_invalid("cannot share the host's network namespace when user namespaces are enabled");
  if (host.pid_mode == "host") fail_invalid("cannot share the host PID namespace when user namespaces are enabled");
}

void check_sysctls(const HostConfig& host) {
  for (const auto& [name, value] : host.sysctls) {
    if (name.starts_with("net.")) {
      if (host.network_mode == "host") fail_invalid("sysctl ", quoted(name), " not allowed in host network namespace");
    } else if (belongs_to_ipc(name)) {
      if (host.ipc_mode == "host") fail_invalid("sysctl ", quoted(name), " not allowed in host ipc namespace");
    } else if (name == "kernel.domainname") {
      if (host.uts_mode == "host") fail_invalid("sysctl ", quoted(name), " not allowed in host UTS namespace");
    } else {
      fail_invalid("sysctl ", quoted(name), " is not in a separate kernel namespace");
    }
  }
}

}  // namespace hull::container
