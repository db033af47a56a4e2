// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "base/text.h"
#include "linux/cgroup_v1.h"

namespace hull::linux {

namespace {

void read_cpu(const CgroupV1Dirs& dirs, CgroupStats& stats) {
  if (const CgroupDir* dir = dirs.find("cpuacct")) {
    stats.cpu_total = dir->number("cpuacct.usage");
    static const std::uint64_t tick = 1'000'000'000ULL / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    auto split_times = parse_flat_keyed(dir->read("cpuacct.stat"));
    stats.cpu_user = split_times["user"] * tick;
    stats.cpu_system = split_times["system"] * tick;
    std::string per_cpu = dir->read("cpuacct.usage_percpu");
    for (std::string_view value : split(trim(per_cpu), ' '))
      if (auto number = parse_number<std::uint64_t>(value)) stats.cpu_per_cpu.push_back(*number);
  }
  if (const CgroupDir* dir = dirs.find("cpu")) {
    auto bandwidth = parse_flat_keyed(dir->read("cpu.stat"));
    stats.periods = bandwidth["nr_periods"];
    stats.throttled_periods = bandwidth["nr_throttled"];
    stats.throttled_time = bandwidth["throttled_time"];
  }
}

void read_memory(const CgroupV1Dirs& dirs, CgroupStats& stats) {
  const CgroupDir* dir = dirs.find("memory");
  if (!dir) return;
  stats.memory_usage = dir->number("memory.usage_in_bytes");
  stats.memory_max_usage = dir->number("memory.max_usage_in_bytes");
  stats.memory_limit = dir->number("memory.limit_in_bytes");
  stats.memory_failcnt = dir->number("memory.failcnt");
  stats.memory_stat = parse_flat_keyed(dir->read("memory.stat"));
  auto oom = parse_flat_keyed(dir->read("memory.oom_control"));
  stats.oom_kills = oom["oom_kill"];
  stats.waits_for_memory = oom["under_oom"] != 0;
}

// "8:0 Read 4096" lines; the last, "Total 4096", is the sum over all devices and belongs to none.
std::vector<BlockIoEntry> parse_block_io(std::string_view text) {
  std::vector<BlockIoEntry> entries;
  for (std::string_view line : split(text, '\n')) {
    auto words = split(line, ' ');
    if (words.size() != 3) continue;
    auto [major, minor] = split_once(words[0], ':');
    auto major_number = parse_number<std::uint64_t>(major);
    auto minor_number = parse_number<std::uint64_t>(minor.value_or(""));
    auto value = parse_number<std::uint64_t>(words[2]);
    if (major_number && minor_number && value)
      entries.push_back({*major_number, *minor_number, lower(words[1]), *value});
  }
  return entries;
}

// BFQ counts what went through it; the throttling layer counts everything, also on disks without a scheduler.
std::vector<BlockIoEntry> read_block_io(const CgroupDir& dir, const char* rest) {
  auto entries = parse_block_io(dir.read(cat("blkio.bfq.", rest)));
  return entries.empty() ? parse_block_io(dir.read(cat("blkio.throttle.", rest))) : entries;
}

}  // namespace

namespace {

CounterStats counter(const CgroupDir& dir, const std::string& prefix, const std::string& suffix) {
  return {dir.number(cat(prefix, "usage", suffix)), dir.number(cat(prefix, "max_usage", suffix)),
          dir.number(cat(prefix, "limit", suffix)), dir.number(cat(prefix, "failcnt"))};
}

}  // namespace

CgroupDetails details_v1(const CgroupV1Dirs& dirs) {
  CgroupDetails details;
  if (const CgroupDir* dir = dirs.find("memory")) {
    details.swap = counter(*dir, "memory.memsw.", "_in_bytes");
    details.kernel = counter(*dir, "memory.kmem.", "_in_bytes");
    details.kernel_tcp = counter(*dir, "memory.kmem.tcp.", "_in_bytes");
  }
  if (const CgroupDir* dir = dirs.find("hugetlb"))
    for (const std::string& size : huge_page_sizes(*dir))
      details.hugetlb[size] = counter(*dir, cat("hugetlb.", size, "."), "_in_bytes");
  if (const CgroupDir* dir = dirs.find("cpuset")) {
    details.cpus = numbers_in(*dir, "cpuset.cpus");
    details.mems = numbers_in(*dir, "cpuset.mems");
  }
  return details;
}

CgroupStats stats_v1(const CgroupV1Dirs& dirs) {
  CgroupStats stats;
  read_cpu(dirs, stats);
  read_memory(dirs, stats);
  if (const CgroupDir* dir = dirs.find("pids")) {
    stats.pids_current = dir->number("pids.current");
    std::uint64_t limit = dir->number("pids.max");
    stats.pids_limit = limit == UINT64_MAX ? 0 : limit;
  }
  if (const CgroupDir* dir = dirs.find("blkio")) {
    stats.io_service_bytes = read_block_io(*dir, "io_service_bytes_recursive");
    stats.io_serviced = read_block_io(*dir, "io_serviced_recursive");
  }
  return stats;
}

}  // namespace hull::linux
