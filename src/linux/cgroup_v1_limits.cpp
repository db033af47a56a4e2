// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include "base/error.h"
#include "base/text.h"
#include "linux/cgroup_v1.h"
#include "oci/runtime_config.h"

namespace hull::linux {

namespace {

// ----- memory -------------------------------------------------------------------------------------------

std::string bytes_or_unlimited(std::int64_t value) { return cat(value); }  // the kernel takes -1 for "no limit"

void set_memory_limit(const CgroupDir& dir, std::int64_t limit) {
  int code = dir.try_write("memory.limit_in_bytes", bytes_or_unlimited(limit));
  if (!code) return;
  if (code == EBUSY)
    throw Error(Kind::kInvalidArgument,
                cat("cannot set memory to ", limit,
                    ": the container uses more (current usage: ", dir.number("memory.usage_in_bytes"),
                    ", peak usage: ", dir.number("memory.max_usage_in_bytes"), ")"),
                code, "write");
  refuse_limit("memory", cat(limit), "memory.limit_in_bytes", code);
}

void set_swap_limit(const CgroupDir& dir, std::int64_t swap) {
  dir.set("memory-swap", "memory.memsw.limit_in_bytes", bytes_or_unlimited(swap));
}

// The kernel holds memory <= memory+swap at every moment, so which of the two goes first depends on where
// the old memory limit is.
void set_memory_and_swap(const CgroupDir& dir, const oci::MemoryLimits& memory) {
  auto swap = memory.swap;
  // Unlimited memory under a limit of memory and swap together would not be unlimited.
  if (memory.limit == -1 && !swap && dir.has("memory.memsw.limit_in_bytes")) swap = -1;
  if (swap == 0) swap.reset();
  auto limit = memory.limit == 0 ? std::nullopt : memory.limit;
  if (limit && swap) {
    bool swap_first = *swap == -1 || dir.number("memory.limit_in_bytes") < static_cast<std::uint64_t>(*swap);
    if (swap_first) set_swap_limit(dir, *swap);
    set_memory_limit(dir, *limit);
    if (!swap_first) set_swap_limit(dir, *swap);
    return;
  }
  if (limit) set_memory_limit(dir, *limit);
  if (swap) set_swap_limit(dir, *swap);
}

void set_memory(const CgroupV1Dirs& dirs, const oci::MemoryLimits& memory, CgroupChange change) {
  bool wants = memory.limit || memory.swap || memory.reservation || memory.kernel_tcp || memory.swappiness ||
               memory.disable_oom_killer.value_or(false) ||
               (change == CgroupChange::kUpdate && memory.disable_oom_killer);
  if (!wants) return;
  const CgroupDir& dir = dirs.need("memory", "memory");
  set_memory_and_swap(dir, memory);
  // memory.kmem.limit_in_bytes does nothing since Linux 5.4 and is gone in later ones: `kernel` is accepted only.
  if (memory.reservation.value_or(0) != 0)
    dir.set("memory-reservation", "memory.soft_limit_in_bytes", cat(*memory.reservation));
  if (memory.kernel_tcp.value_or(0) != 0)
    dir.set("kernel-memory-tcp", "memory.kmem.tcp.limit_in_bytes", cat(*memory.kernel_tcp));
  if (memory.swappiness) {
    if (*memory.swappiness > 100)
      fail_invalid("invalid value for memory-swappiness: ", *memory.swappiness, ", valid range is 0-100");
    dir.set("memory-swappiness", "memory.swappiness", cat(*memory.swappiness));
  }
  bool disable = memory.disable_oom_killer.value_or(false);
  if (disable || (change == CgroupChange::kUpdate && memory.disable_oom_killer))
    dir.set("oom-kill-disable", "memory.oom_control", disable ? "1" : "0");
}

// ----- cpu ----------------------------------------------------------------------------------------------

void set_shares(const CgroupDir& dir, std::uint64_t shares) {
  dir.set("cpu-shares", "cpu.shares", cat(shares));
  // The kernel takes any number, and cuts it off silently.
  std::uint64_t real = dir.number("cpu.shares");
  if (shares > real) fail_invalid("cannot set cpu-shares to ", shares, ": the maximum allowed is ", real);
  if (shares < real) fail_invalid("cannot set cpu-shares to ", shares, ": the minimum allowed is ", real);
}

struct CpuItem {
  std::string_view field;
  const char* file;
  std::string value;
};

// The numbers of a bandwidth are checked against each other and against the parent at every write: what is refused at
// first may be fine once the others are there.
void set_bandwidth(const CgroupDir& dir, std::vector<CpuItem> items) {
  std::vector<CpuItem> refused;
  for (CpuItem& item : items) {
    int code = dir.try_write(item.file, item.value);
    if (code == EINVAL && items.size() > 1) {
      refused.push_back(std::move(item));
    } else if (code) {
      refuse_limit(item.field, item.value, item.file, code);
    }
  }
  for (auto item = refused.rbegin(); item != refused.rend(); ++item) dir.set(item->field, item->file, item->value);
}

std::vector<CpuItem> fair_bandwidth(const oci::CpuLimits& cpu) {
  std::vector<CpuItem> items;
  if (cpu.burst) items.push_back({"cpu-burst", "cpu.cfs_burst_us", cat(*cpu.burst)});
  if (cpu.period.value_or(0) != 0) items.push_back({"cpu-period", "cpu.cfs_period_us", cat(*cpu.period)});
  if (cpu.quota.value_or(0) != 0) items.push_back({"cpu-quota", "cpu.cfs_quota_us", cat(*cpu.quota)});
  return items;
}

std::vector<CpuItem> realtime_bandwidth(const oci::CpuLimits& cpu) {
  std::vector<CpuItem> items;
  if (cpu.realtime_period.value_or(0) != 0)
    items.push_back({"cpu-rt-period", "cpu.rt_period_us", cat(*cpu.realtime_period)});
  if (cpu.realtime_runtime.value_or(0) != 0)
    items.push_back({"cpu-rt-runtime", "cpu.rt_runtime_us", cat(*cpu.realtime_runtime)});
  return items;
}

void set_cpu(const CgroupV1Dirs& dirs, const oci::CpuLimits& cpu) {
  bool idle = cpu.idle.value_or(0) == 1;
  bool wants =
      cpu.shares || cpu.burst || cpu.period || cpu.quota || cpu.idle || cpu.realtime_period || cpu.realtime_runtime;
  if (!wants) return;
  const CgroupDir& dir = dirs.need("cpu", "cpu limits");
  if (cpu.idle) dir.set("cpu-idle", "cpu.idle", cat(*cpu.idle));
  // An idle group has a weight of its own, and its shares cannot be written.
  if (cpu.shares.value_or(0) != 0 && !idle) set_shares(dir, *cpu.shares);
  set_bandwidth(dir, realtime_bandwidth(cpu));
  set_bandwidth(dir, fair_bandwidth(cpu));
}

void set_cpuset(const CgroupV1Dirs& dirs, const oci::CpuLimits& cpu) {
  if (!cpu.cpus.empty()) dirs.need("cpuset", "cpuset-cpus").set("cpuset-cpus", "cpuset.cpus", cpu.cpus);
  if (!cpu.mems.empty()) dirs.need("cpuset", "cpuset-mems").set("cpuset-mems", "cpuset.mems", cpu.mems);
}

// ----- block devices ------------------------------------------------------------------------------------

// The weights belong to the scheduler of the disks: CFQ's in old kernels, BFQ's today.
std::string weight_file(const CgroupDir& dir, const char* rest) {
  std::string old = cat("blkio.", rest);
  return dir.has(old) ? old : cat("blkio.bfq.", rest);
}

// Without one of its own a device has that of the group.
std::string weight_text(std::uint64_t weight) { return weight ? cat(weight) : "default"; }

void set_throttles(const CgroupDir& dir, std::string_view field, const char* file,
                   const std::vector<oci::ThrottleDevice>& devices) {
  for (const auto& device : devices) dir.set(field, file, cat(device.major, ":", device.minor, " ", device.rate));
}

void set_block_io(const CgroupV1Dirs& dirs, const oci::BlockIoLimits& io) {
  bool wants = io.weight.value_or(0) || io.leaf_weight.value_or(0) || !io.weight_device.empty() ||
               !io.throttle_read_bps.empty() || !io.throttle_write_bps.empty() || !io.throttle_read_iops.empty() ||
               !io.throttle_write_iops.empty();
  if (!wants) return;
  const CgroupDir& dir = dirs.need("blkio", "block I/O limits");
  if (io.weight.value_or(0)) dir.set("blkio-weight", weight_file(dir, "weight"), cat(*io.weight));
  if (io.leaf_weight.value_or(0)) dir.set("blkio-leaf-weight", weight_file(dir, "leaf_weight"), cat(*io.leaf_weight));
  for (const auto& device : io.weight_device) {
    std::string number = cat(device.major, ":", device.minor, " ");
    if (device.weight)
      dir.set("blkio-weight-device", weight_file(dir, "weight_device"), number + weight_text(*device.weight));
    if (device.leaf_weight.value_or(0))
      dir.set("blkio-leaf-weight-device", weight_file(dir, "leaf_weight_device"), number + cat(*device.leaf_weight));
  }
  set_throttles(dir, "device-read-bps", "blkio.throttle.read_bps_device", io.throttle_read_bps);
  set_throttles(dir, "device-write-bps", "blkio.throttle.write_bps_device", io.throttle_write_bps);
  set_throttles(dir, "device-read-iops", "blkio.throttle.read_iops_device", io.throttle_read_iops);
  set_throttles(dir, "device-write-iops", "blkio.throttle.write_iops_device", io.throttle_write_iops);
}

// ----- devices ------------------------------------------------------------------------------------------

std::string device_number(const std::optional<std::int64_t>& number) {
  return !number || *number < 0 ? "*" : cat(*number);
}

// One rule is one write to devices.allow or devices.deny; both stay open over the dozens of them.
void set_devices(const CgroupV1Dirs& dirs, const std::vector<oci::DeviceRule>& rules) {
  if (rules.empty()) return;
  const CgroupDir& dir = dirs.need("devices", "device rules");
  UniqueFd allow = dir.open_file("devices.allow", O_WRONLY), deny = dir.open_file("devices.deny", O_WRONLY);
  for (const auto& rule : rules) {
    bool all_types = rule.type.empty() || rule.type == "a";
    bool all_numbers = rule.major.value_or(-1) < 0 && rule.minor.value_or(-1) < 0;
    std::string_view access = rule.access.empty() ? "rwm" : std::string_view(rule.access);
    // "a" means every device whatever follows it; numbers without a type are a rule for each of the two.
    std::string_view types = !all_types ? std::string_view(rule.type) : all_numbers ? "a" : "bc";
    for (char type : types) {
      std::string line = cat(type, " ", device_number(rule.major), ":", device_number(rule.minor), " ", access);
      int file = rule.allow ? allow.get() : deny.get();
      if (::write(file, line.data(), line.size()) < 0)
        refuse_limit("a device rule", line, rule.allow ? "devices.allow" : "devices.deny", errno);
    }
  }
}

// ----- the rest -----------------------------------------------------------------------------------------

void set_huge_pages(const CgroupV1Dirs& dirs, const std::vector<oci::HugepageLimit>& limits) {
  for (const auto& limit : limits) {
    const CgroupDir& dir = dirs.need("hugetlb", "hugepage limits");
    std::string prefix = cat("hugetlb.", limit.page_size);
    dir.set(cat("the hugepage limit of ", limit.page_size), prefix + ".limit_in_bytes", cat(limit.limit));
    // Reservations are counted since Linux 5.7.
    if (dir.has(prefix + ".rsvd.limit_in_bytes"))
      dir.set(cat("the hugepage limit of ", limit.page_size), prefix + ".rsvd.limit_in_bytes", cat(limit.limit));
  }
}

void set_network(const CgroupV1Dirs& dirs, const oci::NetworkLimits& network) {
  if (network.class_id.value_or(0))
    dirs.need("net_cls", "network class").set("the network class", "net_cls.classid", cat(*network.class_id));
  for (const auto& priority : network.priorities)
    dirs.need("net_prio", "network priorities")
        .set("a network priority", "net_prio.ifpriomap", cat(priority.name, " ", priority.priority));
}

}  // namespace

void inherit_cpuset(const CgroupDir& dir, const std::string& mount_point) {
  std::string path = dir.path().substr(0, dir.path().rfind('/'));
  if (path.size() < mount_point.size()) return;
  CgroupDir parent = CgroupDir::open(path);
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    std::string value = parent.read(file);
    if (trim(value).empty()) {
      inherit_cpuset(parent, mount_point);
      value = parent.read(file);
    }
    if (int code = dir.try_write(file, trim(value))) throw_errno("write", cat(dir.path(), "/", file), code);
  }
}

void set_limits_v1(const CgroupV1Dirs& dirs, const oci::Resources& resources, CgroupChange change) {
  set_devices(dirs, resources.devices);
  if (resources.memory) set_memory(dirs, *resources.memory, change);
  if (resources.cpu) {
    set_cpuset(dirs, *resources.cpu);
    set_cpu(dirs, *resources.cpu);
  }
  if (auto limit = pids_max(resources)) dirs.need("pids", "pids-limit").set("pids-limit", "pids.max", *limit);
  if (resources.block_io) set_block_io(dirs, *resources.block_io);
  set_huge_pages(dirs, resources.hugepage_limits);
  if (resources.network) set_network(dirs, *resources.network);
  if (!resources.rdma.empty()) set_rdma_limits(dirs.need("rdma", "rdma limits"), resources.rdma);
  if (!resources.unified.empty())
    fail_invalid("cannot set ", resources.unified.begin()->first,
                 ": it is a file of cgroup v2, and this machine has v1");
}

}  // namespace hull::linux
