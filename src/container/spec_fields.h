// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "container/spec.h"

// The field lists of the types in spec.h (see base/fields.h): the Engine API's JSON names.
namespace hull::container {

template <class Visitor>
void fields(Visitor& visit, Config& value) {
  visit("Hostname", value.hostname);
  visit("Domainname", value.domainname);
  visit("User", value.user);
  visit("AttachStdin", value.attach_stdin);
  visit("AttachStdout", value.attach_stdout);
  visit("AttachStderr", value.attach_stderr);
  visit("ExposedPorts", value.exposed_ports, WhenEmpty::kOmit);
  visit("Tty", value.tty);
  visit("OpenStdin", value.open_stdin);
  visit("StdinOnce", value.stdin_once);
  visit("Env", value.env);
  visit("Cmd", value.cmd);
  visit("Healthcheck", value.healthcheck, WhenEmpty::kOmit);
  visit("HealthcheckOnFailureAction", value.health_on_failure, WhenEmpty::kOmit);
  visit("ArgsEscaped", value.args_escaped, WhenEmpty::kOmit);
  visit("Image", value.image);
  visit("Volumes", value.volumes, WhenEmpty::kNull);
  visit("WorkingDir", value.working_dir);
  visit("Entrypoint", value.entrypoint);
  visit("NetworkDisabled", value.network_disabled, WhenEmpty::kOmit);
  visit("MacAddress", value.mac_address, WhenEmpty::kOmit);
  visit("OnBuild", value.on_build);
  visit("Labels", value.labels);
  visit("StopSignal", value.stop_signal, WhenEmpty::kOmit);
  visit("StopTimeout", value.stop_timeout, WhenEmpty::kOmit);
  visit("Shell", value.shell, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, HostPort& value) {
  visit("HostIp", value.host_ip);
  visit("HostPort", value.host_port);
}

template <class Visitor>
void fields(Visitor& visit, LogConfig& value) {
  visit("Type", value.type);
  visit("Config", value.config);
}

template <class Visitor>
void fields(Visitor& visit, RestartPolicy& value) {
  visit("Name", value.name);
  visit("MaximumRetryCount", value.maximum_retry_count);
}

template <class Visitor>
void fields(Visitor& visit, ThrottleDevice& value) {
  visit("Path", value.path);
  visit("Rate", value.rate);
}

template <class Visitor>
void fields(Visitor& visit, WeightDevice& value) {
  visit("Path", value.path);
  visit("Weight", value.weight);
}

template <class Visitor>
void fields(Visitor& visit, DeviceMapping& value) {
  visit("PathOnHost", value.path_on_host);
  visit("PathInContainer", value.path_in_container);
  visit("CgroupPermissions", value.cgroup_permissions);
}

template <class Visitor>
void fields(Visitor& visit, DeviceRequest& value) {
  visit("Driver", value.driver);
  visit("Count", value.count);
  visit("DeviceIDs", value.device_ids);
  visit("Capabilities", value.capabilities);
  visit("Options", value.options);
}

template <class Visitor>
void fields(Visitor& visit, Ulimit& value) {
  visit("Name", value.name);
  visit("Hard", value.hard);
  visit("Soft", value.soft);
}

template <class Visitor>
void fields(Visitor& visit, BindOptions& value) {
  visit("Propagation", value.propagation, WhenEmpty::kOmit);
  visit("NonRecursive", value.non_recursive, WhenEmpty::kOmit);
  visit("CreateMountpoint", value.create_mountpoint, WhenEmpty::kOmit);
  visit("ReadOnlyNonRecursive", value.read_only_non_recursive, WhenEmpty::kOmit);
  visit("ReadOnlyForceRecursive", value.read_only_force_recursive, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, DriverConfig& value) {
  visit("Name", value.name, WhenEmpty::kOmit);
  visit("Options", value.options, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, VolumeOptions& value) {
  visit("NoCopy", value.no_copy, WhenEmpty::kOmit);
  visit("Labels", value.labels, WhenEmpty::kOmit);
  visit("DriverConfig", value.driver_config, WhenEmpty::kOmit);
  visit("Subpath", value.subpath, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, TmpfsOptions& value) {
  visit("SizeBytes", value.size_bytes, WhenEmpty::kOmit);
  visit("Mode", value.mode, WhenEmpty::kOmit);
  visit("Options", value.options, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, ImageOptions& value) {
  visit("Subpath", value.subpath, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, MountSpec& value) {
  visit("Type", value.type, WhenEmpty::kOmit);
  visit("Source", value.source, WhenEmpty::kOmit);
  visit("Target", value.target, WhenEmpty::kOmit);
  visit("ReadOnly", value.read_only, WhenEmpty::kOmit);
  visit("Consistency", value.consistency, WhenEmpty::kOmit);
  visit("BindOptions", value.bind_options, WhenEmpty::kOmit);
  visit("VolumeOptions", value.volume_options, WhenEmpty::kOmit);
  visit("TmpfsOptions", value.tmpfs_options, WhenEmpty::kOmit);
  visit("ImageOptions", value.image_options, WhenEmpty::kOmit);
  visit("IDMap", value.id_map, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, HostConfig& value) {
  visit("Binds", value.binds);
  visit("ContainerIDFile", value.container_id_file);
  visit("LogConfig", value.log_config);
  visit("NetworkMode", value.network_mode);
  visit("PortBindings", value.port_bindings);
  visit("RestartPolicy", value.restart_policy);
  visit("AutoRemove", value.auto_remove);
  visit("VolumeDriver", value.volume_driver);
  visit("VolumesFrom", value.volumes_from);
  visit("Mounts", value.mounts, WhenEmpty::kOmit);
  visit("ConsoleSize", value.console_size);
  visit("Annotations", value.annotations, WhenEmpty::kOmit);
  visit("CapAdd", value.cap_add);
  visit("CapDrop", value.cap_drop);
  visit("CgroupnsMode", value.cgroupns_mode);
  visit("Dns", value.dns);
  visit("DnsOptions", value.dns_options);
  visit("DnsSearch", value.dns_search);
  visit("ExtraHosts", value.extra_hosts);
  visit("GroupAdd", value.group_add);
  visit("IpcMode", value.ipc_mode);
  visit("Cgroup", value.cgroup);
  visit("Links", value.links);
  visit("OomScoreAdj", value.oom_score_adj);
  visit("PidMode", value.pid_mode);
  visit("Privileged", value.privileged);
  visit("PublishAllPorts", value.publish_all_ports);
  visit("ReadonlyRootfs", value.readonly_rootfs);
  visit("SecurityOpt", value.security_opt);
  visit("StorageOpt", value.storage_opt, WhenEmpty::kOmit);
  visit("Tmpfs", value.tmpfs, WhenEmpty::kOmit);
  visit("UTSMode", value.uts_mode);
  visit("UsernsMode", value.userns_mode);
  visit("ShmSize", value.shm_size);
  visit("Sysctls", value.sysctls, WhenEmpty::kOmit);
  visit("Runtime", value.runtime);
  visit("Isolation", value.isolation);
  visit("CpuShares", value.cpu_shares);
  visit("Memory", value.memory);
  visit("NanoCpus", value.nano_cpus);
  visit("CgroupParent", value.cgroup_parent);
  visit("BlkioWeight", value.blkio_weight);
  visit("BlkioWeightDevice", value.blkio_weight_device);
  visit("BlkioDeviceReadBps", value.blkio_device_read_bps);
  visit("BlkioDeviceWriteBps", value.blkio_device_write_bps);
  visit("BlkioDeviceReadIOps", value.blkio_device_read_iops);
  visit("BlkioDeviceWriteIOps", value.blkio_device_write_iops);
  visit("CpuPeriod", value.cpu_period);
  visit("CpuQuota", value.cpu_quota);
  visit("CpuRealtimePeriod", value.cpu_realtime_period);
  visit("CpuRealtimeRuntime", value.cpu_realtime_runtime);
  visit("CpusetCpus", value.cpuset_cpus);
  visit("CpusetMems", value.cpuset_mems);
  visit("Devices", value.devices);
  visit("DeviceCgroupRules", value.device_cgroup_rules);
  visit("DeviceRequests", value.device_requests);
  visit("KernelMemoryTCP", value.kernel_memory_tcp, WhenEmpty::kOmit);
  visit("MemoryReservation", value.memory_reservation);
  visit("MemorySwap", value.memory_swap);
  visit("MemorySwappiness", value.memory_swappiness);
  visit("OomKillDisable", value.oom_kill_disable);
  visit("PidsLimit", value.pids_limit);
  visit("Ulimits", value.ulimits);
  visit("CpuCount", value.cpu_count);
  visit("CpuPercent", value.cpu_percent);
  visit("IOMaximumIOps", value.io_maximum_iops);
  visit("IOMaximumBandwidth", value.io_maximum_bandwidth);
  visit("MaskedPaths", value.masked_paths);
  visit("ReadonlyPaths", value.readonly_paths);
  visit("Init", value.init, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, IpamConfig& value) {
  visit("IPv4Address", value.ipv4_address, WhenEmpty::kOmit);
  visit("IPv6Address", value.ipv6_address, WhenEmpty::kOmit);
  visit("LinkLocalIPs", value.link_local_ips, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, EndpointSettings& value) {
  visit("IPAMConfig", value.ipam_config);
  visit("Links", value.links);
  visit("Aliases", value.aliases);
  visit("MacAddress", value.mac_address);
  visit("DriverOpts", value.driver_opts);
  visit("GwPriority", value.gw_priority);
}

template <class Visitor>
void fields(Visitor& visit, Spec& value) {
  visit("Config", value.config);
  visit("Host", value.host);
  visit("Endpoints", value.endpoints);
  visit("ImageID", value.image_id);
  visit("Path", value.path);
  visit("Args", value.args);
  visit("Created", value.created);
  visit("ReadOnlyBindsAreFlat", value.read_only_binds_are_flat, WhenEmpty::kOmit);
}

}  // namespace hull::container
