// SPDX-License-Identifier: Apache-2.0
#include "container/resources.h"

#include "base/error.h"
#include "container/oci_config.h"

namespace hull::container {

namespace {

constexpr std::int64_t kPeriod = 100'000;  // microseconds, what --cpus is counted in

template <class Target, class Value>
void set_unless_zero(std::optional<Target>& target, Value value) {
  if (value != 0) target = static_cast<Target>(value);
}

std::optional<oci::MemoryLimits> memory_limits(const HostConfig& host) {
  oci::MemoryLimits limits;
  if (host.memory > 0) limits.limit = host.memory;
  if (host.memory_reservation > 0) limits.reservation = host.memory_reservation;
  if (host.memory_swap > 0 || (host.memory > 0 && host.memory_swap == -1)) limits.swap = host.memory_swap;
  if (host.memory_swappiness) limits.swappiness = static_cast<std::uint64_t>(*host.memory_swappiness);
  if (host.oom_kill_disable.value_or(false)) limits.disable_oom_killer = true;
  if (host.kernel_memory_tcp > 0) limits.kernel_tcp = host.kernel_memory_tcp;
  bool any = limits.limit || limits.reservation || limits.swap || limits.swappiness || limits.disable_oom_killer ||
             limits.kernel_tcp;
  return any ? std::optional(limits) : std::nullopt;
}

std::optional<oci::CpuLimits> cpu_limits(const HostConfig& host) {
  oci::CpuLimits limits;
  set_unless_zero(limits.shares, host.cpu_shares);
  if (host.nano_cpus > 0) {
    limits.period = static_cast<std::uint64_t>(kPeriod);
    limits.quota = host.nano_cpus / (1'000'000'000 / kPeriod);
  }
  set_unless_zero(limits.period, host.cpu_period);
  set_unless_zero(limits.quota, host.cpu_quota);
  set_unless_zero(limits.realtime_period, host.cpu_realtime_period);
  set_unless_zero(limits.realtime_runtime, host.cpu_realtime_runtime);
  limits.cpus = host.cpuset_cpus;
  limits.mems = host.cpuset_mems;
  bool any = limits.shares || limits.period || limits.quota || limits.realtime_period || limits.realtime_runtime ||
             !limits.cpus.empty() || !limits.mems.empty();
  return any ? std::optional(limits) : std::nullopt;
}

std::vector<oci::ThrottleDevice> throttle(const std::optional<std::vector<ThrottleDevice>>& devices) {
  std::vector<oci::ThrottleDevice> list;
  if (!devices) return list;
  for (const ThrottleDevice& device : *devices) {
    linux::DeviceNode node = device_number(device.path);
    list.push_back({node.major, node.minor, device.rate});
  }
  return list;
}

std::optional<oci::BlockIoLimits> block_limits(const HostConfig& host) {
  oci::BlockIoLimits limits;
  set_unless_zero(limits.weight, host.blkio_weight);
  if (host.blkio_weight_device) {
    for (const WeightDevice& device : *host.blkio_weight_device) {
      linux::DeviceNode node = device_number(device.path);
      limits.weight_device.push_back({node.major, node.minor, device.weight, std::nullopt});
    }
  }
  limits.throttle_read_bps = throttle(host.blkio_device_read_bps);
  limits.throttle_write_bps = throttle(host.blkio_device_write_bps);
  limits.throttle_read_iops = throttle(host.blkio_device_read_iops);
  limits.throttle_write_iops = throttle(host.blkio_device_write_iops);
  bool any = limits.weight || !limits.weight_device.empty() || !limits.throttle_read_bps.empty() ||
             !limits.throttle_write_bps.empty() || !limits.throttle_read_iops.empty() ||
             !limits.throttle_write_iops.empty();
  return any ? std::optional(std::move(limits)) : std::nullopt;
}

}  // namespace

oci::Resources resources_of(const Spec& spec) {
  const HostConfig& host = spec.host;
  oci::Resources resources;
  resources.memory = memory_limits(host);
  resources.cpu = cpu_limits(host);
  if (host.pids_limit) resources.pids = oci::PidsLimits{*host.pids_limit > 0 ? *host.pids_limit : -1};
  resources.block_io = block_limits(host);
  return resources;
}

linux::DeviceNode device_number(const std::string& path) {
  std::optional<linux::DeviceNode> node;
  try {
    node = linux::device_node(path);
  } catch (const Error& e) {
    throw Error(Kind::kInvalidArgument, e.message(), e.code(), e.operation());
  }
  if (!node) fail_invalid(path, ": not a device node");
  return *node;
}

}  // namespace hull::container
