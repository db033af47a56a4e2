// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "linux/cgroup_v2.h"

namespace hull::linux {

namespace {

// "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6", a device in each line.
void read_io(const CgroupDir& dir, CgroupStats& stats) {
  std::string text = dir.read("io.stat");
  for (std::string_view line : split(text, '\n')) {
    auto words = split(line, ' ');
    auto [major, minor] = split_once(words[0], ':');
    auto major_number = parse_number<std::uint64_t>(major);
    auto minor_number = parse_number<std::uint64_t>(minor.value_or(""));
    if (!major_number || !minor_number) continue;
    for (std::string_view word : words) {
      auto [key, value] = split_once(word, '=');
      auto number = parse_number<std::uint64_t>(value.value_or(""));
      if (!number) continue;
      if (key == "rbytes") stats.io_service_bytes.push_back({*major_number, *minor_number, "read", *number});
      if (key == "wbytes") stats.io_service_bytes.push_back({*major_number, *minor_number, "write", *number});
      if (key == "rios") stats.io_serviced.push_back({*major_number, *minor_number, "read", *number});
      if (key == "wios") stats.io_serviced.push_back({*major_number, *minor_number, "write", *number});
    }
  }
}

}  // namespace

CgroupStats stats_v2(const CgroupDir& dir) {
  CgroupStats stats;
  auto cpu = parse_flat_keyed(dir.read("cpu.stat"));
  stats.cpu_total = cpu["usage_usec"] * 1000;
  stats.cpu_user = cpu["user_usec"] * 1000;
  stats.cpu_system = cpu["system_usec"] * 1000;
  stats.periods = cpu["nr_periods"];
  stats.throttled_periods = cpu["nr_throttled"];
  stats.throttled_time = cpu["throttled_usec"] * 1000;

  auto events = parse_flat_keyed(dir.read("memory.events"));
  stats.memory_usage = dir.number("memory.current");
  stats.memory_max_usage = dir.number("memory.peak");  // since Linux 5.19
  stats.memory_limit = dir.number("memory.max");
  stats.memory_failcnt = events["max"];
  stats.memory_stat = parse_flat_keyed(dir.read("memory.stat"));
  stats.oom_kills = events["oom_kill"];

  stats.pids_current = dir.number("pids.current");
  std::uint64_t limit = dir.number("pids.max");
  stats.pids_limit = limit == UINT64_MAX ? 0 : limit;
  read_io(dir, stats);
  return stats;
}

CgroupDetails details_v2(const CgroupDir& dir) {
  CgroupDetails details;
  details.swap = {dir.number("memory.swap.current"), dir.number("memory.swap.peak"), dir.number("memory.swap.max"),
                  parse_flat_keyed(dir.read("memory.swap.events"))["fail"]};
  for (const std::string& size : huge_page_sizes(dir)) {
    std::string prefix = cat("hugetlb.", size, ".");
    details.hugetlb[size] = {dir.number(prefix + "current"), 0, dir.number(prefix + "max"),
                             parse_flat_keyed(dir.read(prefix + "events"))["max"]};
  }
  details.cpus = numbers_in(dir, "cpuset.cpus.effective");
  details.mems = numbers_in(dir, "cpuset.mems.effective");
  return details;
}

}  // namespace hull::linux
