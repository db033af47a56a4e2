// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/file.h"
#include "linux/pidfd.h"
#include "linux/resctrl.h"
#include "oci/json.h"
#include "runtime_state.h"

namespace hull::runtime_cli {

namespace {

// runc leaves numbers out that are zero, and its readers know.
void put_number(Json& to, const char* name, std::uint64_t value) {
  if (value) to[name] = value;
}

Json entries_of(const std::vector<linux::BlockIoEntry>& entries) {
  Json list = Json::array();
  for (const auto& entry : entries) {
    Json one = Json::object();
    put_number(one, "major", entry.major);
    put_number(one, "minor", entry.minor);
    std::string operation = entry.operation;
    operation[0] = upper(operation.substr(0, 1))[0];
    one["op"] = operation;
    put_number(one, "value", entry.value);
    list.push_back(std::move(one));
  }
  return list;
}

Json memory_entry(const linux::CounterStats& counter) {
  Json entry = Json::object();
  entry["limit"] = counter.limit;
  put_number(entry, "usage", counter.usage);
  put_number(entry, "max", counter.max);
  entry["failcnt"] = counter.failures;
  return entry;
}

Json cpu_of(const linux::CgroupStats& stats) {
  Json cpu = Json::object();
  Json& usage = cpu["usage"];
  put_number(usage, "total", stats.cpu_total);
  if (!stats.cpu_per_cpu.empty()) usage["percpu"] = stats.cpu_per_cpu;
  usage["kernel"] = stats.cpu_system;
  usage["user"] = stats.cpu_user;
  Json& throttling = cpu["throttling"] = Json::object();
  put_number(throttling, "periods", stats.periods);
  put_number(throttling, "throttledPeriods", stats.throttled_periods);
  put_number(throttling, "throttledTime", stats.throttled_time);
  return cpu;
}

Json cpuset_of(const linux::CgroupDetails& details) {
  Json set = Json::object();
  if (!details.cpus.empty()) set["cpus"] = details.cpus;
  set["cpu_exclusive"] = 0;
  if (!details.mems.empty()) set["mems"] = details.mems;
  for (const char* name : {"mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
                           "memory_spread_slab", "memory_pressure", "sched_load_balance", "sched_relax_domain_level"})
    set[name] = 0;
  return set;
}

Json memory_of(const linux::CgroupStats& stats, const linux::CgroupDetails& details) {
  Json memory = Json::object();
  auto value = [&](const char* key) {
    auto found = stats.memory_stat.find(key);
    return found == stats.memory_stat.end() ? 0 : found->second;
  };
  put_number(memory, "cache", value("cache") ? value("cache") : value("file"));
  memory["usage"] =
      memory_entry({stats.memory_usage, stats.memory_max_usage, stats.memory_limit, stats.memory_failcnt});
  memory["swap"] = memory_entry(details.swap);
  memory["kernel"] = memory_entry(details.kernel);
  memory["kernelTCP"] = memory_entry(details.kernel_tcp);
  if (!stats.memory_stat.empty()) memory["raw"] = to_json(stats.memory_stat);
  return memory;
}

Json cache_of(const Container& container) {
  Json cache = Json::object();
  if (!container.config.linux.intel_rdt) return cache;
  auto lines = linux::ResctrlGroup(*container.config.linux.intel_rdt, container.id).present_schemata();
  if (!lines.empty()) cache["schemata"] = lines;
  return cache;
}

// The columns of /proc/<pid>/net/dev that runc shows: bytes, packets, errors and drops of both directions.
Json interfaces_of(pid_t pid) {
  constexpr std::array<const char*, 8> kNames = {"RxBytes", "RxPackets", "RxErrors", "RxDropped",
                                                 "TxBytes", "TxPackets", "TxErrors", "TxDropped"};
  constexpr std::array<std::size_t, 8> kColumns = {0, 1, 2, 3, 8, 9, 10, 11};
  Json list = Json::array();
  std::string table = read_if_exists(cat("/proc/", pid, "/net/dev")).value_or("");
  for (std::string_view line : split(table, '\n')) {
    auto [name, numbers] = split_once(line, ':');
    if (!numbers) continue;
    auto words = split(*numbers, ' ');
    std::erase_if(words, [](std::string_view word) { return word.empty(); });
    if (words.size() < 12) continue;
    Json one = Json::object();
    one["Name"] = std::string(trim(name));
    for (std::size_t i = 0; i < kNames.size(); ++i)
      one[kNames[i]] = parse_number<std::uint64_t>(words[kColumns[i]]).value_or(0);
    list.push_back(std::move(one));
  }
  return list;
}

Json stats_of(const Container& container) {
  auto group = container.cgroup();
  linux::CgroupStats stats = group->stats();
  linux::CgroupDetails details = group->details();
  Json data = Json::object();
  data["cpu"] = cpu_of(stats);
  data["cpuset"] = cpuset_of(details);
  data["memory"] = memory_of(stats, details);
  Json& pids = data["pids"] = Json::object();
  put_number(pids, "current", stats.pids_current);
  put_number(pids, "limit", stats.pids_limit);
  Json& block = data["blkio"] = Json::object();
  if (!stats.io_service_bytes.empty()) block["ioServiceBytesRecursive"] = entries_of(stats.io_service_bytes);
  if (!stats.io_serviced.empty()) block["ioServicedRecursive"] = entries_of(stats.io_serviced);
  Json& huge = data["hugetlb"] = Json::object();
  for (const auto& [size, counter] : details.hugetlb) {
    Json& one = huge[size] = Json::object();
    put_number(one, "usage", counter.usage);
    put_number(one, "max", counter.max);
    one["failcnt"] = counter.failures;
  }
  data["intel_rdt"] = cache_of(container);
  data["network_interfaces"] = interfaces_of(container.pid);
  return data;
}

void print_event(const Container& container, const char* type, const Json* data = nullptr) {
  Json event = Json::object();
  event["type"] = type;
  event["id"] = container.id;
  if (data) event["data"] = *data;
  print_line(dump_json(event));
}

void print_stats(const Container& container) {
  Json stats = stats_of(container);
  print_event(container, "stats", &stats);
}

// The events of a v1 eventfd and of a v2 file are read in the same way: once, and then there are none until the next.
void drain(int notifier) {
  char buffer[4096];
  if (::pread(notifier, buffer, sizeof buffer, 0) < 0) (void)!::read(notifier, buffer, sizeof(std::uint64_t));
}

void follow(const Container& container, int pidfd, int interval_ms) {
  UniqueFd notifier = container.cgroup()->oom_notifier();
  std::uint64_t oom_kills = container.cgroup()->stats().oom_kills;
  for (std::int64_t next = monotonic_nanoseconds() / 1'000'000 + interval_ms;;) {
    std::int64_t left = next - monotonic_nanoseconds() / 1'000'000;
    pollfd events[] = {{pidfd, POLLIN, 0}, {notifier.get(), POLLIN | POLLPRI, 0}};
    // A file of version 2 is always readable: only its POLLPRI says that something is new.
    if (linux::cgroup_facts().version == linux::CgroupVersion::kV2) events[1].events = POLLPRI;
    if (::poll(events, 2, static_cast<int>(std::max<std::int64_t>(left, 0))) < 0 && errno != EINTR) throw_errno("poll");
    if (events[0].revents) return;
    if (events[1].revents) {
      drain(notifier.get());
      std::uint64_t now_killed = container.cgroup()->stats().oom_kills;
      if (now_killed > oom_kills || linux::cgroup_facts().version != linux::CgroupVersion::kV2)
        print_event(container, "oom");
      oom_kills = now_killed;
    }
    if (monotonic_nanoseconds() / 1'000'000 < next) continue;
    print_stats(container);
    next += interval_ms;
  }
}

}  // namespace

int verb_events(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({{"interval", "", true}, {"stats", "", false}}, std::move(words));
  arguments.expect_words("events", 1);
  Container container = load(globals, arguments.words()[0]);
  auto interval = parse_duration(arguments.get("interval", "5s"));
  if (!interval) fail_invalid("invalid value ", quoted(arguments.get("interval")), " for flag -interval");
  auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(*interval).count();
  if (milliseconds <= 0) fail_invalid("duration interval must be greater than 0");
  pid_t pid = live_pid(container);
  auto process = pid ? linux::open_pidfd(pid) : std::nullopt;
  if (!process) fail(Kind::kConflict, "container with id ", container.id, " is not running");
  if (arguments.has("stats"))
    print_stats(container);
  else
    follow(container, process->get(), static_cast<int>(std::min<std::int64_t>(milliseconds, INT32_MAX)));
  return 0;
}

}  // namespace hull::runtime_cli
