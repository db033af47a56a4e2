// SPDX-License-Identifier: Apache-2.0
#include "linux/limit_support.h"

#include <map>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/text.h"
#include "linux/cgroup.h"

namespace hull::linux {

namespace {

// Subsystem to mount point, from the lines "… <mount point> … - cgroup <source> rw,cpu,cpuacct" of mountinfo.
std::map<std::string, std::string, std::less<>> v1_mount_points() {
  std::map<std::string, std::string, std::less<>> points;
  std::string text = read_file("/proc/self/mountinfo");
  for (std::string_view line : split(text, '\n')) {
    auto separator = line.find(" - cgroup ");
    if (separator == std::string_view::npos) continue;
    auto before = split(line.substr(0, separator), ' ');
    auto after = split(line.substr(separator + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    for (std::string_view option : split(after[2], ',')) points.emplace(option, before[4]);
  }
  return points;
}

class V1Files {
 public:
  bool has(std::string_view subsystem, std::string_view file) const {
    auto found = points_.find(subsystem);
    return found != points_.end() && exists(cat(found->second, "/", file));
  }

 private:
  std::map<std::string, std::string, std::less<>> points_ = v1_mount_points();
};

LimitSupport v1_support() {
  struct Entry {
    bool LimitSupport::*limit;
    std::string_view subsystem, file;
  };
  constexpr Entry kFiles[] = {
      {&LimitSupport::memory, "memory", "memory.limit_in_bytes"},
      {&LimitSupport::memory_reservation, "memory", "memory.soft_limit_in_bytes"},
      {&LimitSupport::swap, "memory", "memory.memsw.limit_in_bytes"},
      {&LimitSupport::swappiness, "memory", "memory.swappiness"},
      {&LimitSupport::oom_kill_disable, "memory", "memory.oom_control"},
      {&LimitSupport::kernel_memory_tcp, "memory", "memory.kmem.tcp.limit_in_bytes"},
      {&LimitSupport::cpu_shares, "cpu", "cpu.shares"},
      {&LimitSupport::cpu_quota, "cpu", "cpu.cfs_quota_us"},
      {&LimitSupport::cpu_realtime, "cpu", "cpu.rt_runtime_us"},
      {&LimitSupport::cpuset, "cpuset", "cpuset.cpus"},
      {&LimitSupport::pids, "pids", "cgroup.procs"},
      {&LimitSupport::block_weight, "blkio", "blkio.weight"},
      {&LimitSupport::block_weight_device, "blkio", "blkio.weight_device"},
      // The root group has BFQ's statistics, but not its weights.
      {&LimitSupport::block_weight, "blkio", "blkio.bfq.io_service_bytes"},
      {&LimitSupport::block_weight_device, "blkio", "blkio.bfq.io_service_bytes"},
      {&LimitSupport::block_throttle, "blkio", "blkio.throttle.read_bps_device"},
      {&LimitSupport::devices, "devices", "devices.list"},
  };
  V1Files files;
  LimitSupport support;
  for (const Entry& entry : kFiles)
    support.*entry.limit = support.*entry.limit || files.has(entry.subsystem, entry.file);
  return support;
}

LimitSupport v2_support(const CgroupFacts& facts) {
  LimitSupport support;
  support.memory = support.memory_reservation = support.swap = facts.has("memory");
  support.cpu_shares = support.cpu_quota = facts.has("cpu");
  support.cpuset = facts.has("cpuset");
  support.pids = facts.has("pids");
  support.block_weight = support.block_weight_device = support.block_throttle = facts.has("io");
  support.devices = true;  // a BPF program, not a controller
  return support;
}

}  // namespace

const LimitSupport& limit_support() {
  static const LimitSupport support = [] {
    const CgroupFacts& facts = cgroup_facts();
    return facts.version == CgroupVersion::kV2 ? v2_support(facts) : v1_support();
  }();
  return support;
}

}  // namespace hull::linux
