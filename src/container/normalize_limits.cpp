// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/error.h"
#include "container/machine_facts.h"
#include "container/normalize_steps.h"
#include "container/resources.h"
#include "linux/limit_support.h"

namespace hull::container {

namespace {

constexpr std::int64_t kMinimumMemory = 6 << 20;
constexpr std::int64_t kDefaultShmSize = 64 << 20;
constexpr std::int64_t kNanosecondsPerCpu = 1'000'000'000;
constexpr std::array<std::string_view, 15> kUlimits = {"core",    "cpu",      "data",   "fsize",      "locks",
                                                       "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                                       "rss",     "rtprio",   "rttime", "sigpending", "stack"};

void discard_unsupported_memory(HostConfig& host, const linux::LimitSupport& support, Warnings& warnings) {
  if (host.memory > 0 && !support.memory) {
    warnings.emplace_back(
        "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.");
    host.memory = 0;
    host.memory_swap = -1;
  }
  if (host.memory > 0 && host.memory_swap != -1 && !support.swap) {
    warnings.emplace_back(
        "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without "
        "swap.");
    host.memory_swap = -1;
  }
  if (host.memory_swappiness && !support.swappiness) {
    warnings.emplace_back(
        "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness "
        "discarded.");
    host.memory_swappiness.reset();
  }
  if (host.memory_reservation > 0 && !support.memory_reservation) {
    warnings.emplace_back(
        "Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation "
        "discarded.");
    host.memory_reservation = 0;
  }
  if (host.oom_kill_disable && !support.oom_kill_disable) {
    if (*host.oom_kill_disable)
      warnings.emplace_back("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
    host.oom_kill_disable.reset();
  }
  if (host.kernel_memory_tcp > 0 && !support.kernel_memory_tcp) {
    warnings.emplace_back(
        "Your kernel does not support kernel memory TCP limit capabilities or the cgroup is not mounted. Limitation "
        "discarded.");
    host.kernel_memory_tcp = 0;
  }
}

void check_cpuset(const std::string& wanted, const std::string& available, std::string_view field,
                  std::string_view what) {
  std::vector<int> numbers;
  try {
    numbers = parse_number_list(wanted);
  } catch (const Error& e) {
    throw e.within(cat("Invalid value ", wanted, " for cpuset ", field));
  }
  std::vector<int> there = parse_number_list(available);
  if (!std::ranges::includes(there, numbers))
    fail_invalid("Requested ", what, " are not available - requested ", wanted, ", available: ", available);
}

void check_realtime(const HostConfig& host, const linux::LimitSupport& support) {
  if ((host.cpu_realtime_period != 0 || host.cpu_realtime_runtime != 0) && !support.cpu_realtime)
    fail_invalid("Your kernel does not support CPU real-time scheduler");
  if (host.cpu_realtime_period != 0 && host.cpu_realtime_runtime > host.cpu_realtime_period)
    fail_invalid("CPU real-time runtime cannot be higher than CPU real-time period");
}

template <class List>
void discard(std::optional<List>& list, bool supported, std::string_view warning, Warnings& warnings) {
  if (!list || list->empty() || supported) return;
  warnings.emplace_back(warning);
  list->clear();
}

void check_ulimits(const HostConfig& host) {
  for (const Ulimit& limit : host.ulimits.value_or(std::vector<Ulimit>{})) {
    if (std::ranges::find(kUlimits, limit.name) == kUlimits.end()) fail_invalid("invalid ulimit type: ", limit.name);
    if (limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard))
      fail_invalid("ulimit ", limit.name, ": soft limit must be less than or equal to hard limit: ", limit.soft, " > ",
                   limit.hard);
    if (limit.soft < -1 || limit.hard < -1)
      fail_invalid("invalid ulimit ", limit.name, ": ", limit.soft, ":", limit.hard);
  }
}

}  // namespace

void normalize_memory(HostConfig& host, Warnings& warnings) {
  // Every client sends -1 for "as the system says".
  if (host.memory_swappiness == -1) host.memory_swappiness.reset();
  if (host.memory != 0 && host.memory < kMinimumMemory) fail_invalid("Minimum memory limit allowed is 6MB");
  if (host.memory_swap < -1) fail_invalid("Invalid value ", host.memory_swap, " for the memory and swap limit");
  if (host.memory > 0 && host.memory_swap == 0) host.memory_swap = host.memory * 2;
  discard_unsupported_memory(host, linux::limit_support(), warnings);
  if (host.memory > 0 && host.memory_swap > 0 && host.memory_swap < host.memory)
    fail_invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (host.memory == 0 && host.memory_swap > 0)
    fail_invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
  if (host.memory_swappiness && (*host.memory_swappiness < 0 || *host.memory_swappiness > 100))
    fail_invalid("Invalid value: ", *host.memory_swappiness, ", valid memory swappiness range is 0-100");
  if (host.memory_reservation < 0 || (host.memory_reservation > 0 && host.memory_reservation < kMinimumMemory))
    fail_invalid("Minimum memory reservation allowed is 6MB");
  if (host.memory > 0 && host.memory_reservation > host.memory)
    fail_invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
  if (host.oom_kill_disable.value_or(false) && host.memory == 0)
    warnings.emplace_back(
        "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running "
        "out of resources.");
}

void normalize_cpu(HostConfig& host, Warnings& warnings) {
  const linux::LimitSupport& support = linux::limit_support();
  const MachineFacts& machine = machine_facts();
  if (host.nano_cpus > 0 && host.cpu_period > 0)
    fail_invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (host.nano_cpus > 0 && host.cpu_quota > 0)
    fail_invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (host.nano_cpus > 0 && !support.cpu_quota)
    fail_invalid(
        "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted");
  // Compared by division: a client may send any number.
  if (host.nano_cpus < 0 || host.nano_cpus / kNanosecondsPerCpu > machine.cpus ||
      host.nano_cpus > machine.cpus * kNanosecondsPerCpu)
    fail_invalid("range of CPUs is from 0.01 to ", machine.cpus, ".00, as there are only ", machine.cpus,
                 " CPUs available");
  if (host.cpu_shares < 0) fail_invalid("invalid CPU shares (", host.cpu_shares, "): value must be a positive integer");
  if (host.cpu_shares > 0 && !support.cpu_shares) {
    warnings.emplace_back("Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.");
    host.cpu_shares = 0;
  }
  if ((host.cpu_period != 0 || host.cpu_quota != 0) && !support.cpu_quota) {
    warnings.emplace_back("Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.");
    host.cpu_period = host.cpu_quota = 0;
  }
  if (host.cpu_period != 0 && (host.cpu_period < 1000 || host.cpu_period > 1'000'000))
    fail_invalid("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  if (host.cpu_quota > 0 && host.cpu_quota < 1000) fail_invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  if (host.cpu_percent > 0) {
    warnings.emplace_back("linux does not support CPU percent. Percent discarded.");
    host.cpu_percent = 0;
  }
  check_realtime(host, support);
  if ((!host.cpuset_cpus.empty() || !host.cpuset_mems.empty()) && !support.cpuset) {
    warnings.emplace_back("Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.");
    host.cpuset_cpus.clear();
    host.cpuset_mems.clear();
  }
  check_cpuset(host.cpuset_cpus, machine.cpu_list, "cpus", "CPUs");
  check_cpuset(host.cpuset_mems, machine.memory_nodes, "mems", "memory nodes");
}

void normalize_block_io(HostConfig& host, Warnings& warnings) {
  const linux::LimitSupport& support = linux::limit_support();
  if (host.blkio_weight > 0 && !support.block_weight) {
    warnings.emplace_back(
        "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.");
    host.blkio_weight = 0;
  }
  if (host.blkio_weight > 0 && (host.blkio_weight < 10 || host.blkio_weight > 1000))
    fail_invalid("Range of blkio weight is from 10 to 1000");
  if (host.io_maximum_bandwidth != 0 || host.io_maximum_iops != 0)
    fail_invalid("Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps");
  discard(host.blkio_weight_device, support.block_weight_device,
          "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.",
          warnings);
  discard(
      host.blkio_device_read_bps, support.block_throttle,
      "Your kernel does not support BPS Block I/O read limit or the cgroup is not mounted. Block I/O BPS read limit "
      "discarded.",
      warnings);
  discard(host.blkio_device_write_bps, support.block_throttle,
          "Your kernel does not support BPS Block I/O write limit or the cgroup is not mounted. Block I/O BPS write "
          "limit discarded.",
          warnings);
  discard(host.blkio_device_read_iops, support.block_throttle,
          "Your kernel does not support IOPS Block read limit or the cgroup is not mounted. Block I/O IOPS read limit "
          "discarded.",
          warnings);
  discard(
      host.blkio_device_write_iops, support.block_throttle,
      "Your kernel does not support IOPS Block write limit or the cgroup is not mounted. Block I/O IOPS write limit "
      "discarded.",
      warnings);
  for (const WeightDevice& device : host.blkio_weight_device.value_or(std::vector<WeightDevice>{})) {
    if (device.weight < 10 || device.weight > 1000)
      fail_invalid("invalid weight ", device.weight, " for device ", device.path, ": it must be from 10 to 1000");
    device_number(device.path);
  }
  for (const auto* list : {&host.blkio_device_read_bps, &host.blkio_device_write_bps, &host.blkio_device_read_iops,
                           &host.blkio_device_write_iops})
    for (const ThrottleDevice& device : list->value_or(std::vector<ThrottleDevice>{})) device_number(device.path);
}

void normalize_shared_memory(HostConfig& host) {
  if (host.shm_size < 0) fail_invalid("SHM size can not be less than 0");
  if (host.shm_size == 0) host.shm_size = kDefaultShmSize;
}

void normalize_other_limits(HostConfig& host, Warnings& warnings) {
  if (host.pids_limit.value_or(0) > 0 && !linux::limit_support().pids) {
    warnings.emplace_back(
        "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.");
    host.pids_limit.reset();
  }
  if (host.oom_score_adj < -1000 || host.oom_score_adj > 1000)
    fail_invalid("Invalid value ", host.oom_score_adj, ", range for oom score adj is [-1000, 1000].");
  check_ulimits(host);
}

}  // namespace hull::container
