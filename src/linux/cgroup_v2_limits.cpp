// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "linux/cgroup_v2.h"
#include "oci/runtime_config.h"

namespace hull::linux {

namespace {

std::string number_or_max(std::int64_t value) { return value < 0 ? "max" : cat(value); }

// ----- memory -------------------------------------------------------------------------------------------

// What memory.max says now; empty when it is unlimited.
std::optional<std::int64_t> present_limit(const CgroupDir& dir) {
  std::uint64_t now = dir.number("memory.max");
  if (now > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return static_cast<std::int64_t>(now);
}

// memory.max takes any value, and kills until it is reached: some callers want to be told instead.
void refuse_what_would_kill(const CgroupDir& dir, const oci::MemoryLimits& memory) {
  if (!memory.check_before_update.value_or(false) || memory.limit.value_or(-1) <= 0) return;
  std::uint64_t usage = dir.number("memory.current");
  if (static_cast<std::uint64_t>(*memory.limit) < usage)
    fail_invalid("cannot set memory to ", *memory.limit, ": the container uses more (current usage: ", usage, ")");
}

void set_swap(const CgroupDir& dir, std::int64_t swap) {
  std::string value = number_or_max(swap);
  int code = dir.try_write("memory.swap.max", value);
  // A kernel without swap accounting has no such file, and is in the wanted state already.
  bool nothing_to_do = code == ENOENT && swap <= 0;
  if (code && !nothing_to_do) refuse_limit("memory-swap", value, "memory.swap.max", code);
}

void set_memory(const CgroupDir& dir, const oci::MemoryLimits& memory) {
  refuse_what_would_kill(dir, memory);
  auto limit = memory.limit.value_or(0) == 0 ? std::nullopt : memory.limit;
  auto swap = memory.swap;
  if (limit == -1 && swap.value_or(0) == 0) swap = -1;  // unlimited memory includes swap, as in version 1
  if (auto value = swap_of(swap, limit ? limit : swap.value_or(0) > 0 ? present_limit(dir) : std::nullopt))
    set_swap(dir, *value);
  if (limit) dir.set("memory", "memory.max", number_or_max(*limit));
  if (memory.reservation.value_or(0) != 0)
    dir.set("memory-reservation", "memory.low", number_or_max(*memory.reservation));
}

// ----- cpu ----------------------------------------------------------------------------------------------

// Quota and period are one line; what is not given stays.
void set_bandwidth(const CgroupDir& dir, const oci::CpuLimits& cpu) {
  if (!cpu.quota.value_or(0) && !cpu.period.value_or(0)) return;
  std::string now = dir.read("cpu.max");
  auto [old_quota, old_period] = split_once(trim(now), ' ');
  std::string quota =
      cpu.quota.value_or(0) ? number_or_max(*cpu.quota) : std::string(old_quota.empty() ? "max" : old_quota);
  std::string period = cpu.period.value_or(0) ? cat(*cpu.period) : std::string(old_period.value_or("100000"));
  dir.set(cpu.quota.value_or(0) ? "cpu-quota" : "cpu-period", "cpu.max", cat(quota, " ", period));
}

void set_cpu(const CgroupDir& dir, const oci::CpuLimits& cpu) {
  if (cpu.realtime_period.value_or(0) || cpu.realtime_runtime.value_or(0))
    fail_invalid("cannot set cpu-rt-runtime: cgroup v2 has no limits for real-time processes");
  if (!cpu.cpus.empty()) dir.set("cpuset-cpus", "cpuset.cpus", cpu.cpus);
  if (!cpu.mems.empty()) dir.set("cpuset-mems", "cpuset.mems", cpu.mems);
  if (cpu.idle) dir.set("cpu-idle", "cpu.idle", cat(*cpu.idle));
  // An idle group has a weight of its own, and cpu.weight cannot be written.
  if (cpu.shares.value_or(0) && cpu.idle.value_or(0) != 1)
    dir.set("cpu-shares", "cpu.weight", cat(weight_of_shares(*cpu.shares)));
  // The burst must not be above the quota at any moment: a smaller one may have to wait for the larger quota.
  bool burst_later = cpu.burst && dir.try_write("cpu.max.burst", cat(*cpu.burst)) != 0;
  set_bandwidth(dir, cpu);
  if (burst_later) dir.set("cpu-burst", "cpu.max.burst", cat(*cpu.burst));
}

// ----- block devices ------------------------------------------------------------------------------------

// `weight` is blkio's (10 to 1000); 0 gives a device that of the group again.
void set_weight(const CgroupDir& dir, std::string_view field, const std::string& device, std::uint64_t weight) {
  if (dir.has("io.bfq.weight")) {
    std::string text = weight ? cat(weight) : "default";
    dir.set(field, "io.bfq.weight", device.empty() ? text : cat(device, " ", text));
  } else {
    std::string text = weight ? cat(io_weight_of(weight)) : "default";
    dir.set(field, "io.weight", cat(device.empty() ? "default" : device, " ", text));
  }
}

void set_block_io(const CgroupDir& dir, const oci::BlockIoLimits& io) {
  if (io.leaf_weight.value_or(0)) fail_invalid("cannot set blkio-leaf-weight: cgroup v2 has no weight for leaves");
  if (io.weight.value_or(0)) set_weight(dir, "blkio-weight", "", *io.weight);
  for (const auto& device : io.weight_device)
    if (device.weight) set_weight(dir, "blkio-weight-device", cat(device.major, ":", device.minor), *device.weight);
  struct Throttle {
    std::string_view field;
    const char* key;
    const std::vector<oci::ThrottleDevice>& devices;
  };
  const Throttle throttles[] = {{"device-read-bps", "rbps", io.throttle_read_bps},
                                {"device-write-bps", "wbps", io.throttle_write_bps},
                                {"device-read-iops", "riops", io.throttle_read_iops},
                                {"device-write-iops", "wiops", io.throttle_write_iops}};
  for (const Throttle& throttle : throttles)
    for (const auto& device : throttle.devices)
      dir.set(throttle.field, "io.max",
              cat(device.major, ":", device.minor, " ", throttle.key, "=", device.rate ? cat(device.rate) : "max"));
}

// ----- the rest -----------------------------------------------------------------------------------------

void set_huge_pages(const CgroupDir& dir, const std::vector<oci::HugepageLimit>& limits) {
  for (const auto& limit : limits) {
    std::string field = cat("the hugepage limit of ", limit.page_size), prefix = cat("hugetlb.", limit.page_size);
    dir.set(field, prefix + ".max", cat(limit.limit));
    if (dir.has(prefix + ".rsvd.max")) dir.set(field, prefix + ".rsvd.max", cat(limit.limit));  // since Linux 5.7
  }
}

// Files by their own names, for what the specification has no name for.
void set_unified(const CgroupDir& dir, const std::map<std::string, std::string>& files) {
  for (const auto& [file, value] : files) {
    if (file.empty() || file.find('/') != std::string::npos || file.find('.') == std::string::npos)
      fail_invalid("unified resource ", quoted(file), " must be the name of a file, like memory.high");
    std::string controller = file.substr(0, file.find('.'));
    if (!dir.has(file) && controller != "cgroup" && !cgroup_facts().has(controller))
      fail_invalid("unified resource ", quoted(file), " cannot be set: the controller ", quoted(controller),
                   " is not available");
    // One line at a time: files like io.max take one device per write.
    for (std::string_view line : split(value, '\n'))
      if (!trim(line).empty()) dir.set(file, file, line);
  }
}

}  // namespace

std::uint64_t weight_of_shares(std::uint64_t shares) {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  double log = std::log2(static_cast<double>(shares));
  double exponent = (log * log + 125 * log) / 612.0 - 7.0 / 34.0;
  // The small term keeps 1024 at exactly 100, whatever the last bit of pow() is.
  return static_cast<std::uint64_t>(std::ceil(std::pow(10, exponent) - 1e-9));
}

std::uint64_t io_weight_of(std::uint64_t blkio_weight) {
  return 1 + (std::max<std::uint64_t>(blkio_weight, 10) - 10) * 9999 / 990;
}

std::optional<std::int64_t> swap_of(std::optional<std::int64_t> memory_and_swap, std::optional<std::int64_t> memory) {
  if (memory_and_swap.value_or(0) == 0) return std::nullopt;
  if (*memory_and_swap < 0) return -1;
  if (memory.value_or(-1) < 0)
    fail_invalid("cannot set memory-swap to ", *memory_and_swap, " without a limit for memory");
  if (*memory_and_swap < *memory)
    fail_invalid("cannot set memory-swap to ", *memory_and_swap, ": it includes the memory, whose limit is ", *memory);
  return *memory_and_swap - *memory;
}

void set_limits_v2(const CgroupDir& dir, const oci::Resources& resources) {
  if (resources.memory) set_memory(dir, *resources.memory);
  if (resources.cpu) set_cpu(dir, *resources.cpu);
  if (auto limit = pids_max(resources)) dir.set("pids-limit", "pids.max", *limit);
  if (resources.block_io) set_block_io(dir, *resources.block_io);
  set_huge_pages(dir, resources.hugepage_limits);
  set_rdma_limits(dir, resources.rdma);
  if (resources.network && (resources.network->class_id.value_or(0) || !resources.network->priorities.empty()))
    fail_invalid("cannot set network classes: cgroup v2 has no such controller");
  set_unified(dir, resources.unified);
}

}  // namespace hull::linux
