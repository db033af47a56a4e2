// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

// What the administrator wants of hulld: the keys of daemon.json, which are dockerd's, with their defaults. options.h
// has the table that says how each is written.
namespace hull::settings {

using Strings = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;

struct RuntimeOptions {
  std::string binary_name;  // of the type io.containerd.runc.v2: the program
};
struct Runtime {
  std::string path, runtime_type;
  Strings runtime_args;
  RuntimeOptions options;
};
struct Ulimit {
  std::string name;
  std::int64_t hard = 0, soft = 0;
};
struct AddressPool {
  std::string base;  // "172.17.0.0/12"
  int size = 0;      // prefix length of each network
};
struct Size {
  std::int64_t bytes = 0;  // written as a number or as "64m"
};

struct Settings {
  // The API.
  Strings hosts;
  std::string group, min_api_version = "1.24";
  bool tls = false, tls_verify = false;
  std::string tls_ca, tls_certificate, tls_key;
  Strings authorization_plugins;

  // Places, and the engine's own log.
  std::string data_root = "/var/lib/hull", exec_root = "/run/hull", pidfile;
  bool debug = false, raw_logs = false;
  std::string log_level = "info", log_format = "text", metrics_address;

  // What containers get that do not say otherwise.
  std::string cgroup_parent, default_cgroupns_mode, default_ipc_mode = "private";
  std::string default_runtime = "runc";  // clients look for that name; it is hull's own runtime
  std::map<std::string, Runtime> runtimes;
  Strings exec_options;
  bool init = false, no_new_privileges = false, selinux_enabled = false, rootless = false;
  std::string init_path, seccomp_profile, userns_remap, userns_range;
  Size default_shm_size{64 << 20};
  std::map<std::string, Ulimit> default_ulimits;
  int default_stop_timeout = 10;
  std::int64_t cpu_rt_period = 0, cpu_rt_runtime = 0;
  std::string log_driver = "json-file";
  StringMap log_options;

  // Networks.
  std::string bridge = "hull0", bip, bip6, fixed_cidr, fixed_cidr_v6, default_gateway, default_gateway_v6, ip,
              host_gateway_ip, firewall_backend, bridge_accept_fwmark, userland_proxy_path, resolv_conf;
  Strings host_gateway_ips, dns, dns_options, dns_search;
  bool ipv6 = false, icc = true, ip_forward = true, ip_forward_no_drop = false, ip_masq = true, iptables = true,
       ip6tables = true, userland_proxy = true, allow_direct_routing = false;
  int mtu = 0, network_control_plane_mtu = 1500, network_diagnostic_port = 0;
  std::vector<AddressPool> default_address_pools;
  std::map<std::string, StringMap> default_network_options;  // by driver

  // Images and storage.
  std::string storage_driver, http_proxy, https_proxy, no_proxy;
  Strings storage_options, registry_mirrors, insecure_registries;
  int max_concurrent_downloads = 3, max_concurrent_uploads = 5, max_download_attempts = 5;

  // The rest.
  Strings labels, cdi_spec_dirs, node_generic_resources;
  std::map<std::string, bool> features;
  std::string builder, nri_options;  // JSON
  bool experimental = false, live_restore = true, cri_containerd = false;
  int shutdown_timeout = 15, oom_score_adjust = 0, swarm_raft_heartbeat_tick = 0, swarm_raft_election_tick = 0;
  std::string containerd, containerd_namespace, containerd_plugin_namespace, swarm_default_advertise_address;
};

}  // namespace hull::settings
