// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "oci/runtime_config.h"

// The field lists of the types in runtime_config.h (see base/fields.h): the specification's JSON names, and
// which fields it requires (the others are left out when empty).
namespace hull::oci {

template <class Visitor>
void fields(Visitor& visit, IdMapping& value) {
  visit("containerID", value.container_id);
  visit("hostID", value.host_id);
  visit("size", value.size);
}

template <class Visitor>
void fields(Visitor& visit, Rlimit& value) {
  visit("type", value.type);
  visit("soft", value.soft);
  visit("hard", value.hard);
}

template <class Visitor>
void fields(Visitor& visit, ConsoleSize& value) {
  visit("height", value.height);
  visit("width", value.width);
}

template <class Visitor>
void fields(Visitor& visit, User& value) {
  visit("uid", value.uid);
  visit("gid", value.gid);
  visit("umask", value.umask, WhenEmpty::kOmit);
  visit("additionalGids", value.additional_gids, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Capabilities& value) {
  visit("bounding", value.bounding, WhenEmpty::kOmit);
  visit("effective", value.effective, WhenEmpty::kOmit);
  visit("inheritable", value.inheritable, WhenEmpty::kOmit);
  visit("permitted", value.permitted, WhenEmpty::kOmit);
  visit("ambient", value.ambient, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Scheduler& value) {
  visit("policy", value.policy);
  visit("nice", value.nice, WhenEmpty::kOmit);
  visit("priority", value.priority, WhenEmpty::kOmit);
  visit("flags", value.flags, WhenEmpty::kOmit);
  visit("runtime", value.runtime, WhenEmpty::kOmit);
  visit("deadline", value.deadline, WhenEmpty::kOmit);
  visit("period", value.period, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, IoPriority& value) {
  visit("class", value.priority_class);
  visit("priority", value.priority);
}

template <class Visitor>
void fields(Visitor& visit, CpuAffinity& value) {
  visit("initial", value.initial, WhenEmpty::kOmit);
  visit("final", value.final, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Process& value) {
  visit("terminal", value.terminal, WhenEmpty::kOmit);
  visit("consoleSize", value.console_size, WhenEmpty::kOmit);
  visit("user", value.user);
  visit("args", value.args, WhenEmpty::kOmit);
  visit("env", value.env, WhenEmpty::kOmit);
  visit("cwd", value.cwd);
  visit("capabilities", value.capabilities, WhenEmpty::kOmit);
  visit("rlimits", value.rlimits, WhenEmpty::kOmit);
  visit("noNewPrivileges", value.no_new_privileges, WhenEmpty::kOmit);
  visit("apparmorProfile", value.apparmor_profile, WhenEmpty::kOmit);
  visit("selinuxLabel", value.selinux_label, WhenEmpty::kOmit);
  visit("oomScoreAdj", value.oom_score_adj, WhenEmpty::kOmit);
  visit("scheduler", value.scheduler, WhenEmpty::kOmit);
  visit("ioPriority", value.io_priority, WhenEmpty::kOmit);
  visit("execCPUAffinity", value.exec_cpu_affinity, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Root& value) {
  visit("path", value.path);
  visit("readonly", value.readonly, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Mount& value) {
  visit("destination", value.destination);
  visit("type", value.type, WhenEmpty::kOmit);
  visit("source", value.source, WhenEmpty::kOmit);
  visit("options", value.options, WhenEmpty::kOmit);
  visit("uidMappings", value.uid_mappings, WhenEmpty::kOmit);
  visit("gidMappings", value.gid_mappings, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Hook& value) {
  visit("path", value.path);
  visit("args", value.args, WhenEmpty::kOmit);
  visit("env", value.env, WhenEmpty::kOmit);
  visit("timeout", value.timeout, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Hooks& value) {
  visit("prestart", value.prestart, WhenEmpty::kOmit);
  visit("createRuntime", value.create_runtime, WhenEmpty::kOmit);
  visit("createContainer", value.create_container, WhenEmpty::kOmit);
  visit("startContainer", value.start_container, WhenEmpty::kOmit);
  visit("poststart", value.poststart, WhenEmpty::kOmit);
  visit("poststop", value.poststop, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Namespace& value) {
  visit("type", value.type);
  visit("path", value.path, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, TimeOffset& value) {
  visit("secs", value.secs, WhenEmpty::kOmit);
  visit("nanosecs", value.nanosecs, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Device& value) {
  visit("type", value.type);
  visit("path", value.path);
  visit("major", value.major, WhenEmpty::kOmit);
  visit("minor", value.minor, WhenEmpty::kOmit);
  visit("fileMode", value.file_mode, WhenEmpty::kOmit);
  visit("uid", value.uid, WhenEmpty::kOmit);
  visit("gid", value.gid, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, DeviceRule& value) {
  visit("allow", value.allow);
  visit("type", value.type, WhenEmpty::kOmit);
  visit("major", value.major, WhenEmpty::kOmit);
  visit("minor", value.minor, WhenEmpty::kOmit);
  visit("access", value.access, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, MemoryLimits& value) {
  visit("limit", value.limit, WhenEmpty::kOmit);
  visit("reservation", value.reservation, WhenEmpty::kOmit);
  visit("swap", value.swap, WhenEmpty::kOmit);
  visit("kernel", value.kernel, WhenEmpty::kOmit);
  visit("kernelTCP", value.kernel_tcp, WhenEmpty::kOmit);
  visit("swappiness", value.swappiness, WhenEmpty::kOmit);
  visit("disableOOMKiller", value.disable_oom_killer, WhenEmpty::kOmit);
  visit("useHierarchy", value.use_hierarchy, WhenEmpty::kOmit);
  visit("checkBeforeUpdate", value.check_before_update, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, CpuLimits& value) {
  visit("shares", value.shares, WhenEmpty::kOmit);
  visit("burst", value.burst, WhenEmpty::kOmit);
  visit("period", value.period, WhenEmpty::kOmit);
  visit("realtimePeriod", value.realtime_period, WhenEmpty::kOmit);
  visit("quota", value.quota, WhenEmpty::kOmit);
  visit("realtimeRuntime", value.realtime_runtime, WhenEmpty::kOmit);
  visit("idle", value.idle, WhenEmpty::kOmit);
  visit("cpus", value.cpus, WhenEmpty::kOmit);
  visit("mems", value.mems, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, PidsLimits& value) {
  visit("limit", value.limit, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, WeightDevice& value) {
  visit("major", value.major);
  visit("minor", value.minor);
  visit("weight", value.weight, WhenEmpty::kOmit);
  visit("leafWeight", value.leaf_weight, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, ThrottleDevice& value) {
  visit("major", value.major);
  visit("minor", value.minor);
  visit("rate", value.rate);
}

template <class Visitor>
void fields(Visitor& visit, BlockIoLimits& value) {
  visit("weight", value.weight, WhenEmpty::kOmit);
  visit("leafWeight", value.leaf_weight, WhenEmpty::kOmit);
  visit("weightDevice", value.weight_device, WhenEmpty::kOmit);
  visit("throttleReadBpsDevice", value.throttle_read_bps, WhenEmpty::kOmit);
  visit("throttleWriteBpsDevice", value.throttle_write_bps, WhenEmpty::kOmit);
  visit("throttleReadIOPSDevice", value.throttle_read_iops, WhenEmpty::kOmit);
  visit("throttleWriteIOPSDevice", value.throttle_write_iops, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, HugepageLimit& value) {
  visit("pageSize", value.page_size);
  visit("limit", value.limit);
}

template <class Visitor>
void fields(Visitor& visit, InterfacePriority& value) {
  visit("name", value.name);
  visit("priority", value.priority);
}

template <class Visitor>
void fields(Visitor& visit, NetworkLimits& value) {
  visit("classID", value.class_id, WhenEmpty::kOmit);
  visit("priorities", value.priorities, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, RdmaLimit& value) {
  visit("hcaHandles", value.hca_handles, WhenEmpty::kOmit);
  visit("hcaObjects", value.hca_objects, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Resources& value) {
  visit("devices", value.devices, WhenEmpty::kOmit);
  visit("memory", value.memory, WhenEmpty::kOmit);
  visit("cpu", value.cpu, WhenEmpty::kOmit);
  visit("pids", value.pids, WhenEmpty::kOmit);
  visit("blockIO", value.block_io, WhenEmpty::kOmit);
  visit("hugepageLimits", value.hugepage_limits, WhenEmpty::kOmit);
  visit("network", value.network, WhenEmpty::kOmit);
  visit("rdma", value.rdma, WhenEmpty::kOmit);
  visit("unified", value.unified, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, SyscallArg& value) {
  visit("index", value.index);
  visit("value", value.value);
  visit("valueTwo", value.value_two, WhenEmpty::kOmit);
  visit("op", value.op);
}

template <class Visitor>
void fields(Visitor& visit, SyscallRule& value) {
  visit("names", value.names);
  visit("action", value.action);
  visit("errnoRet", value.errno_ret, WhenEmpty::kOmit);
  visit("args", value.args, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Seccomp& value) {
  visit("defaultAction", value.default_action);
  visit("defaultErrnoRet", value.default_errno_ret, WhenEmpty::kOmit);
  visit("architectures", value.architectures, WhenEmpty::kOmit);
  visit("flags", value.flags, WhenEmpty::kOmit);
  visit("listenerPath", value.listener_path, WhenEmpty::kOmit);
  visit("listenerMetadata", value.listener_metadata, WhenEmpty::kOmit);
  visit("syscalls", value.syscalls, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Personality& value) {
  visit("domain", value.domain);
  visit("flags", value.flags, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, NetDevice& value) {
  visit("name", value.name, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, MemoryPolicy& value) {
  visit("mode", value.mode);
  visit("nodes", value.nodes, WhenEmpty::kOmit);
  visit("flags", value.flags, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, IntelRdt& value) {
  visit("closID", value.class_id, WhenEmpty::kOmit);
  visit("schemata", value.schemata, WhenEmpty::kOmit);
  visit("l3CacheSchema", value.l3_cache_schema, WhenEmpty::kOmit);
  visit("memBwSchema", value.memory_bandwidth_schema, WhenEmpty::kOmit);
  visit("enableMonitoring", value.enable_monitoring, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, Linux& value) {
  visit("namespaces", value.namespaces, WhenEmpty::kOmit);
  visit("uidMappings", value.uid_mappings, WhenEmpty::kOmit);
  visit("gidMappings", value.gid_mappings, WhenEmpty::kOmit);
  visit("timeOffsets", value.time_offsets, WhenEmpty::kOmit);
  visit("devices", value.devices, WhenEmpty::kOmit);
  visit("netDevices", value.net_devices, WhenEmpty::kOmit);
  visit("cgroupsPath", value.cgroups_path, WhenEmpty::kOmit);
  visit("resources", value.resources, WhenEmpty::kOmit);
  visit("rootfsPropagation", value.rootfs_propagation, WhenEmpty::kOmit);
  visit("seccomp", value.seccomp, WhenEmpty::kOmit);
  visit("maskedPaths", value.masked_paths, WhenEmpty::kOmit);
  visit("readonlyPaths", value.readonly_paths, WhenEmpty::kOmit);
  visit("mountLabel", value.mount_label, WhenEmpty::kOmit);
  visit("sysctl", value.sysctl, WhenEmpty::kOmit);
  visit("personality", value.personality, WhenEmpty::kOmit);
  visit("intelRdt", value.intel_rdt, WhenEmpty::kOmit);
  visit("memoryPolicy", value.memory_policy, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, RuntimeConfig& value) {
  visit("ociVersion", value.oci_version);
  visit("process", value.process, WhenEmpty::kOmit);
  visit("root", value.root, WhenEmpty::kOmit);
  visit("hostname", value.hostname, WhenEmpty::kOmit);
  visit("domainname", value.domainname, WhenEmpty::kOmit);
  visit("mounts", value.mounts, WhenEmpty::kOmit);
  visit("hooks", value.hooks, WhenEmpty::kOmit);
  visit("annotations", value.annotations, WhenEmpty::kOmit);
  visit("linux", value.linux, WhenEmpty::kOmit);
}

}  // namespace hull::oci
