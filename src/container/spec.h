// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/image_config.h"

// What the user asked for when a container was created: the Engine API's Config, HostConfig and
// NetworkingConfig. Stored in the database in the API's own JSON form (fields in spec_fields.h), so that
// there is one list of names. Units are the API's: bytes, nanoseconds, microseconds as each field says.
namespace hull::container {

using Strings = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;

// Config
struct Config {
  std::string hostname, domainname, user;
  bool attach_stdin = false, attach_stdout = false, attach_stderr = false;
  oci::Set exposed_ports;  // "80/tcp"
  bool tty = false, open_stdin = false, stdin_once = false;
  std::optional<Strings> env, cmd;
  std::optional<oci::HealthCheck> healthcheck;
  std::string health_on_failure;  // "", none, kill, restart, stop: what an unhealthy container gets
  bool args_escaped = false;
  std::string image;  // as the user wrote it
  oci::Set volumes;
  std::string working_dir;
  std::optional<Strings> entrypoint;
  bool network_disabled = false;
  std::string mac_address;  // API before 1.44
  std::optional<Strings> on_build;
  StringMap labels;
  std::string stop_signal;
  std::optional<int> stop_timeout;  // seconds
  std::optional<Strings> shell;
};

struct HostPort {
  std::string host_ip, host_port;
};

struct LogConfig {
  std::string type;
  StringMap config;
};

struct RestartPolicy {
  std::string name;  // "", no, always, unless-stopped, on-failure
  int maximum_retry_count = 0;
};

struct ThrottleDevice {
  std::string path;
  std::uint64_t rate = 0;
};

struct WeightDevice {
  std::string path;
  std::uint16_t weight = 0;
};

struct DeviceMapping {
  std::string path_on_host, path_in_container, cgroup_permissions;
};

struct DeviceRequest {
  std::string driver;
  int count = 0;
  // Shown as the client gave them: null, or empty.
  std::optional<Strings> device_ids;
  std::optional<std::vector<Strings>> capabilities;
  std::optional<StringMap> options;
};

struct Ulimit {
  std::string name;
  std::int64_t hard = 0, soft = 0;
};

struct BindOptions {
  std::string propagation;
  bool non_recursive = false, create_mountpoint = false, read_only_non_recursive = false,
       read_only_force_recursive = false;
};

struct DriverConfig {
  std::string name;
  StringMap options;
};

struct VolumeOptions {
  bool no_copy = false;
  StringMap labels;
  std::optional<DriverConfig> driver_config;
  std::string subpath;
};

struct TmpfsOptions {
  std::int64_t size_bytes = 0;
  std::uint32_t mode = 0;
  std::vector<Strings> options;
};

struct ImageOptions {
  std::string subpath;
};

struct MountSpec {
  std::string type, source, target;  // type: bind, volume, tmpfs, image, npipe, cluster
  bool read_only = false;
  std::string consistency;
  std::optional<BindOptions> bind_options;
  std::optional<VolumeOptions> volume_options;
  std::optional<TmpfsOptions> tmpfs_options;
  std::optional<ImageOptions> image_options;
  std::string id_map;  // beyond Docker, see id_map.h
};

// HostConfig
struct HostConfig {
  std::optional<Strings> binds;  // "src:dst[:options]"
  std::string container_id_file;
  LogConfig log_config;
  std::string network_mode;
  std::map<std::string, std::optional<std::vector<HostPort>>> port_bindings;  // by "80/tcp"
  RestartPolicy restart_policy;
  bool auto_remove = false;
  std::string volume_driver;
  std::optional<Strings> volumes_from;
  std::vector<MountSpec> mounts;
  std::vector<std::uint32_t> console_size;  // height, width
  StringMap annotations;
  std::optional<Strings> cap_add, cap_drop;
  std::string cgroupns_mode;
  std::optional<Strings> dns, dns_options, dns_search, extra_hosts, group_add;
  std::string ipc_mode, cgroup;
  std::optional<Strings> links;
  int oom_score_adj = 0;
  std::string pid_mode;
  bool privileged = false, publish_all_ports = false, readonly_rootfs = false;
  std::optional<Strings> security_opt;
  StringMap storage_opt, tmpfs;
  std::string uts_mode, userns_mode;
  std::int64_t shm_size = 0;
  StringMap sysctls;
  std::string runtime, isolation;
  std::int64_t cpu_shares = 0, memory = 0, nano_cpus = 0;
  std::string cgroup_parent;
  std::uint16_t blkio_weight = 0;
  std::optional<std::vector<WeightDevice>> blkio_weight_device;
  std::optional<std::vector<ThrottleDevice>> blkio_device_read_bps, blkio_device_write_bps, blkio_device_read_iops,
      blkio_device_write_iops;
  std::int64_t cpu_period = 0, cpu_quota = 0, cpu_realtime_period = 0, cpu_realtime_runtime = 0;
  std::string cpuset_cpus, cpuset_mems;
  std::optional<std::vector<DeviceMapping>> devices;
  std::optional<Strings> device_cgroup_rules;
  std::optional<std::vector<DeviceRequest>> device_requests;
  std::int64_t kernel_memory_tcp = 0, memory_reservation = 0, memory_swap = 0;
  std::optional<std::int64_t> memory_swappiness;
  std::optional<bool> oom_kill_disable;
  std::optional<std::int64_t> pids_limit;
  std::optional<std::vector<Ulimit>> ulimits;
  std::int64_t cpu_count = 0, cpu_percent = 0, io_maximum_iops = 0, io_maximum_bandwidth = 0;
  std::optional<Strings> masked_paths, readonly_paths;
  std::optional<bool> init;
};

struct IpamConfig {
  std::string ipv4_address, ipv6_address;
  std::optional<Strings> link_local_ips;
};

struct EndpointSettings {
  std::optional<IpamConfig> ipam_config;
  std::optional<Strings> links, aliases;
  std::string mac_address;
  StringMap driver_opts;
  int gw_priority = 0;
};

// All that a container is made from. Normalised by normalize() (normalize.h): defaults filled in as inspect
// shows them.
struct Spec {
  Config config;
  HostConfig host;
  std::map<std::string, EndpointSettings> endpoints;  // by network name
  std::string image_id;                               // "sha256:…"
  std::string path;                                   // what runs: first of entrypoint + cmd …
  Strings args;                                       // … and the rest
  std::int64_t created = 0;                           // nanoseconds
  // Made for a client before API 1.44: what is mounted below a read-only bind stays writable.
  bool read_only_binds_are_flat = false;
};

}  // namespace hull::container
