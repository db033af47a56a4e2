// SPDX-License-Identifier: Apache-2.0
#include "settings/options.h"

#include <algorithm>

namespace hull::settings {

namespace {

using S = Settings;
constexpr auto kWorks = Effect::kWorks, kReloads = Effect::kReloads, kNone = Effect::kNone, kRefused = Effect::kRefused;

constexpr std::string_view kNoContainerd = "there is no containerd below this engine";
constexpr std::string_view kNoSwarm = "there is no swarm mode";
constexpr std::string_view kAsItIs = "networks cannot be configured in this";
constexpr std::string_view kNoProxy = "published ports are forwarded by the kernel alone";

const Option kOptions[] = {
    {"hosts", "host", 'H', &S::hosts, kWorks, "Listen at unix:///path, tcp://host:port or fd:// (repeatable)"},
    {"group", "group", 'G', &S::group, kWorks, "Group of the unix sockets (default: hull, or else docker)"},
    {"tls", "tls", 0, &S::tls, kWorks, "TLS on TCP sockets; implied by --tlsverify"},
    {"tlsverify", "tlsverify", 0, &S::tls_verify, kWorks, "TLS, and only clients with a certificate of the CA"},
    {"tlscacert", "tlscacert", 0, &S::tls_ca, kWorks, "Certificates of the CA (PEM)"},
    {"tlscert", "tlscert", 0, &S::tls_certificate, kWorks, "Our certificate (PEM)"},
    {"tlskey", "tlskey", 0, &S::tls_key, kWorks, "Our private key (PEM)"},
    {"min-api-version", "", 0, &S::min_api_version, kWorks, "Oldest version of the API that is spoken"},
    {"authorization-plugins", "authorization-plugin", 0, &S::authorization_plugins, kRefused, "Authorization plugins",
     "requests that they refuse would be let in"},

    {"data-root", "data-root", 'g', &S::data_root, kWorks, "Root of all durable state"},
    {"exec-root", "exec-root", 0, &S::exec_root, kWorks, "Root of what lives as long as the machine is up"},
    {"pidfile", "pidfile", 'p', &S::pidfile, kWorks, "File for the id of this process"},
    {"debug", "debug", 'D', &S::debug, kReloads, "Log everything"},
    {"log-level", "log-level", 'l', &S::log_level, kReloads, "debug, info, warn, error, fatal"},
    {"log-format", "log-format", 0, &S::log_format, kWorks, "Form of the engine's log: text or json"},
    {"raw-logs", "raw-logs", 0, &S::raw_logs, kNone, "Log without colours", "the log never has colours"},
    {"metrics-addr", "metrics-addr", 0, &S::metrics_address, kWorks, "host:port for Prometheus to read /metrics"},

    {"default-runtime", "default-runtime", 0, &S::default_runtime, kReloads, "Runtime of containers that name none"},
    {"runtimes", "add-runtime", 0, &S::runtimes, kReloads, "name=path of an OCI runtime"},
    {"exec-opts", "exec-opt", 0, &S::exec_options, kWorks, "native.cgroupdriver=cgroupfs|systemd"},
    {"cgroup-parent", "cgroup-parent", 0, &S::cgroup_parent, kWorks, "Parent control group of all containers"},
    {"default-cgroupns-mode", "default-cgroupns-mode", 0, &S::default_cgroupns_mode, kReloads, "host or private"},
    {"default-ipc-mode", "default-ipc-mode", 0, &S::default_ipc_mode, kReloads, "shareable or private"},
    {"default-shm-size", "default-shm-size", 0, &S::default_shm_size, kReloads, "Size of /dev/shm"},
    {"default-ulimits", "default-ulimit", 0, &S::default_ulimits, kWorks, "name=soft[:hard]"},
    {"default-stop-timeout", "default-stop-timeout", 0, &S::default_stop_timeout, kReloads,
     "Seconds before a stop kills"},
    {"init", "init", 0, &S::init, kWorks, "An init in every container"},
    {"init-path", "init-path", 0, &S::init_path, kWorks, "Path of that init"},
    {"no-new-privileges", "no-new-privileges", 0, &S::no_new_privileges, kWorks, "No setuid programs in containers"},
    {"seccomp-profile", "seccomp-profile", 0, &S::seccomp_profile, kWorks, "builtin, unconfined, or a profile's path"},
    {"selinux-enabled", "selinux-enabled", 0, &S::selinux_enabled, kRefused, "Label containers for SELinux",
     "containers would run without the labels that are meant to confine them"},
    {"userns-remap", "userns-remap", 0, &S::userns_remap, kWorks,
     "Map the users of all containers to subordinate ids: default, or user[:group]"},
    {"userns-range", "userns-range", 0, &S::userns_range, kWorks,
     "Ids of the host for containers with --userns=private: START:COUNT"},
    {"rootless", "rootless", 0, &S::rootless, kRefused, "Run without root", "hulld has to be root"},
    {"cpu-rt-period", "cpu-rt-period", 0, &S::cpu_rt_period, kNone, "Real-time period of the parent group",
     "real-time limits are set per container"},
    {"cpu-rt-runtime", "cpu-rt-runtime", 0, &S::cpu_rt_runtime, kNone, "Real-time budget of the parent group",
     "real-time limits are set per container"},
    {"log-driver", "log-driver", 0, &S::log_driver, kWorks, "Log driver of containers that name none"},
    {"log-opts", "log-opt", 0, &S::log_options, kWorks, "Options of that driver"},

    {"bridge", "bridge", 'b', &S::bridge, kWorks, "Bridge device of the default network, or none"},
    {"bip", "bip", 0, &S::bip, kWorks, "Address and prefix of the bridge, as 172.30.0.1/24"},
    {"bip6", "bip6", 0, &S::bip6, kWorks, "IPv6 address of the bridge"},
    {"fixed-cidr", "fixed-cidr", 0, &S::fixed_cidr, kWorks, "Part of the bridge's subnet for containers"},
    {"fixed-cidr-v6", "fixed-cidr-v6", 0, &S::fixed_cidr_v6, kWorks, "The same for IPv6"},
    {"default-gateway", "default-gateway", 0, &S::default_gateway, kWorks, "Gateway of containers at the bridge"},
    {"default-gateway-v6", "default-gateway-v6", 0, &S::default_gateway_v6, kWorks, "The same for IPv6"},
    {"ipv6", "ipv6", 0, &S::ipv6, kWorks, "IPv6 at the default bridge"},
    {"icc", "icc", 0, &S::icc, kWorks, "Containers at the default bridge reach each other"},
    {"ip", "ip", 0, &S::ip, kWorks, "Address that ports are published at when none is given"},
    {"ip-forward", "ip-forward", 0, &S::ip_forward, kNone, "Switch forwarding on in the kernel", kAsItIs},
    {"ip-forward-no-drop", "ip-forward-no-drop", 0, &S::ip_forward_no_drop, kNone, "Leave FORWARD as it is",
     "rules that are not hull's own are never changed"},
    {"ip-masq", "ip-masq", 0, &S::ip_masq, kWorks, "Masquerade what leaves the bridge"},
    {"iptables", "iptables", 0, &S::iptables, kNone, "Firewall rules for IPv4", kAsItIs},
    {"ip6tables", "ip6tables", 0, &S::ip6tables, kNone, "Firewall rules for IPv6", kAsItIs},
    {"firewall-backend", "firewall-backend", 0, &S::firewall_backend, kNone, "iptables or nftables",
     "it is nftables, in a table of its own"},
    {"userland-proxy", "userland-proxy", 0, &S::userland_proxy, kNone, "A proxy for published ports", kNoProxy},
    {"userland-proxy-path", "userland-proxy-path", 0, &S::userland_proxy_path, kNone, "Path of that proxy", kNoProxy},
    {"mtu", "mtu", 0, &S::mtu, kWorks, "MTU of containers at the default bridge"},
    {"default-address-pools", "default-address-pool", 0, &S::default_address_pools, kWorks,
     "base=address/prefix,size=prefix of new networks"},
    {"default-network-opts", "default-network-opt", 0, &S::default_network_options, kWorks,
     "driver=key=value for new networks"},
    {"dns", "dns", 0, &S::dns, kWorks, "Name servers of containers that name none"},
    {"dns-opts", "dns-opt", 0, &S::dns_options, kWorks, "Options of resolv.conf"},
    {"dns-search", "dns-search", 0, &S::dns_search, kWorks, "Search domains"},
    {"host-gateway-ip", "host-gateway-ip", 0, &S::host_gateway_ip, kWorks, "What \"host-gateway\" stands for"},
    {"host-gateway-ips", "", 0, &S::host_gateway_ips, kWorks, "The same, as a list"},
    {"allow-direct-routing", "allow-direct-routing", 0, &S::allow_direct_routing, kWorks,
     "Let remote hosts reach published ports under containers' addresses"},
    {"bridge-accept-fwmark", "bridge-accept-fwmark", 0, &S::bridge_accept_fwmark, kWorks,
     "Accept packets with this firewall mark (VALUE or VALUE/MASK)"},
    {"network-control-plane-mtu", "network-control-plane-mtu", 0, &S::network_control_plane_mtu, kNone,
     "MTU of the control plane", kNoSwarm},
    {"network-diagnostic-port", "network-diagnostic-port", 0, &S::network_diagnostic_port, kNone,
     "Port of the network's diagnostics", kNoSwarm},
    {"resolv-conf", "", 0, &S::resolv_conf, kNone, "Another /etc/resolv.conf", "the host's own is used"},

    {"storage-driver", "storage-driver", 's', &S::storage_driver, kWorks, "overlay2"},
    {"storage-opts", "storage-opt", 0, &S::storage_options, kWorks, "Options of the storage driver"},
    {"registry-mirrors", "registry-mirror", 0, &S::registry_mirrors, kReloads,
     "Mirror of Docker Hub (URL), or of another registry (registry=URL)"},
    {"insecure-registries", "insecure-registry", 0, &S::insecure_registries, kReloads,
     "Registry (host:port or network) that may speak HTTP, or show any certificate"},
    {"max-concurrent-downloads", "max-concurrent-downloads", 0, &S::max_concurrent_downloads, kReloads,
     "Layers that a pull gets at once"},
    {"max-concurrent-uploads", "max-concurrent-uploads", 0, &S::max_concurrent_uploads, kReloads,
     "Layers that a push sends at once"},
    {"max-download-attempts", "max-download-attempts", 0, &S::max_download_attempts, kReloads, "Tries for each layer"},
    {"http-proxy", "http-proxy", 0, &S::http_proxy, kWorks, "Proxy for registries over HTTP"},
    {"https-proxy", "https-proxy", 0, &S::https_proxy, kWorks, "Proxy for registries over HTTPS"},
    {"no-proxy", "no-proxy", 0, &S::no_proxy, kWorks, "Hosts that are reached without"},

    {"labels", "label", 0, &S::labels, kReloads, "key=value shown in /info"},
    {"cdi-spec-dirs", "cdi-spec-dir", 0, &S::cdi_spec_dirs, kWorks,
     "Directory of files that describe devices (CDI; default: /etc/cdi and /var/run/cdi)"},
    {"features", "feature", 0, &S::features, kWorks, "cdi=false: no devices of CDI. Others are not optional"},
    {"experimental", "experimental", 0, &S::experimental, kWorks, "Say that experimental features are there"},
    {"live-restore", "live-restore", 0, &S::live_restore, kNone, "Containers go on without the engine",
     "they always do"},
    {"shutdown-timeout", "shutdown-timeout", 0, &S::shutdown_timeout, kNone, "Seconds for containers to stop",
     "the end of the engine does not stop containers"},
    {"oom-score-adjust", "oom-score-adjust", 0, &S::oom_score_adjust, kWorks, "oom_score_adj of the engine"},
    {"builder", "", 0, &S::builder, kReloads, "Limits of the build cache: {\"gc\":{…}}"},
    {"nri-opts", "", 0, &S::nri_options, kNone, "Node resource interface", "there is none"},
    {"node-generic-resources", "node-generic-resource", 0, &S::node_generic_resources, kNone, "Resources of a swarm",
     kNoSwarm},
    {"swarm-default-advertise-addr", "swarm-default-advertise-addr", 0, &S::swarm_default_advertise_address, kNone,
     "Address of this node in a swarm", kNoSwarm},
    {"swarm-raft-heartbeat-tick", "", 0, &S::swarm_raft_heartbeat_tick, kNone, "Of a swarm", kNoSwarm},
    {"swarm-raft-election-tick", "", 0, &S::swarm_raft_election_tick, kNone, "Of a swarm", kNoSwarm},
    {"containerd", "containerd", 0, &S::containerd, kNone, "Socket of containerd", kNoContainerd},
    {"containerd-namespace", "containerd-namespace", 0, &S::containerd_namespace, kNone, "Its namespace",
     kNoContainerd},
    {"containerd-plugin-namespace", "containerd-plugins-namespace", 0, &S::containerd_plugin_namespace, kNone,
     "Its namespace of plugins", kNoContainerd},
    {"cri-containerd", "cri-containerd", 0, &S::cri_containerd, kNone, "CRI in containerd", kNoContainerd},
};

}  // namespace

std::span<const Option> options() { return kOptions; }

const Option* find_key(std::string_view key) {
  auto found = std::ranges::find(kOptions, key, &Option::key);
  return found == std::end(kOptions) ? nullptr : found;
}

bool is_switch(const Option& option) { return std::holds_alternative<bool Settings::*>(option.place); }

}  // namespace hull::settings
