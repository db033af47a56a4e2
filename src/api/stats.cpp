// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "api/container_shapes.h"
#include "api/handlers.h"
#include "api/machine.h"
#include "base/log.h"
#include "oci/json.h"

namespace hull::api {

namespace {

using container::StatsSample;
using linux::CgroupVersion;

bool is_v2() { return linux::cgroup_facts().version == CgroupVersion::kV2; }

Json cpu_shape(const StatsSample& sample) {
  const auto& cgroup = sample.cgroup;
  Json usage;
  usage["total_usage"] = cgroup.cpu_total;
  if (!cgroup.cpu_per_cpu.empty()) usage["percpu_usage"] = cgroup.cpu_per_cpu;
  usage["usage_in_kernelmode"] = cgroup.cpu_system;
  usage["usage_in_usermode"] = cgroup.cpu_user;
  Json out;
  out["cpu_usage"] = usage;
  if (sample.system_cpu) out["system_cpu_usage"] = sample.system_cpu;
  if (sample.online_cpus) out["online_cpus"] = sample.online_cpus;
  out["throttling_data"] = {{"periods", cgroup.periods},
                            {"throttled_periods", cgroup.throttled_periods},
                            {"throttled_time", cgroup.throttled_time}};
  return out;
}

Json memory_shape(const StatsSample& sample) {
  const auto& cgroup = sample.cgroup;
  Json out = Json::object();
  if (!sample.running) return out;
  out["usage"] = cgroup.memory_usage;
  if (!is_v2()) out["max_usage"] = cgroup.memory_max_usage;
  out["stats"] = to_json(cgroup.memory_stat);
  if (cgroup.memory_failcnt) out["failcnt"] = cgroup.memory_failcnt;
  std::uint64_t machine = total_memory();
  bool limited = cgroup.memory_limit > 0 && cgroup.memory_limit < machine;
  out["limit"] = limited ? cgroup.memory_limit : machine;
  return out;
}

Json entries_shape(const std::vector<linux::BlockIoEntry>& entries) {
  Json out = Json::array();
  for (const auto& entry : entries)
    out.push_back({{"major", entry.major}, {"minor", entry.minor}, {"op", entry.operation}, {"value", entry.value}});
  return out;
}

Json block_io_shape(const StatsSample& sample) {
  Json out;
  Json nothing = is_v2() || !sample.running ? Json(nullptr) : Json(Json::array());
  out["io_service_bytes_recursive"] = sample.running ? entries_shape(sample.cgroup.io_service_bytes) : nothing;
  out["io_serviced_recursive"] = is_v2() || !sample.running ? nothing : entries_shape(sample.cgroup.io_serviced);
  for (const char* key : {"io_queue_recursive", "io_service_time_recursive", "io_wait_time_recursive",
                          "io_merged_recursive", "io_time_recursive", "sectors_recursive"})
    out[key] = nothing;
  return out;
}

Json networks_shape(const StatsSample& sample) {
  Json out = Json::object();
  for (const auto& one : sample.networks) {
    if (one.name == "lo") continue;
    out[one.name] = {{"rx_bytes", one.rx_bytes},     {"rx_packets", one.rx_packets}, {"rx_errors", one.rx_errors},
                     {"rx_dropped", one.rx_dropped}, {"tx_bytes", one.tx_bytes},     {"tx_packets", one.tx_packets},
                     {"tx_errors", one.tx_errors},   {"tx_dropped", one.tx_dropped}};
  }
  return out;
}

Json stats_shape(const container::State& state, const StatsSample& sample, const StatsSample& before) {
  Json out;
  out["name"] = "/" + state.name;
  out["id"] = state.id;
  out["os_type"] = "linux";
  out["read"] = format_rfc3339(sample.read);
  out["preread"] = format_rfc3339(before.read);
  Json pids = Json::object();
  if (sample.cgroup.pids_current) pids["current"] = sample.cgroup.pids_current;
  // 0 is "none" here and the largest number there.
  if (sample.running) pids["limit"] = sample.cgroup.pids_limit ? sample.cgroup.pids_limit : UINT64_MAX;
  out["pids_stats"] = pids;
  out["blkio_stats"] = block_io_shape(sample);
  out["num_procs"] = 0;
  out["storage_stats"] = Json::object();
  out["cpu_stats"] = cpu_shape(sample);
  out["precpu_stats"] = cpu_shape(before);
  out["memory_stats"] = memory_shape(sample);
  if (!sample.networks.empty()) out["networks"] = networks_shape(sample);
  return out;
}

// Sleeps until the next second of this stream. False when the client went away.
bool next_tick(const std::stop_token& stop, std::chrono::steady_clock::time_point& tick) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  tick += std::chrono::seconds(1);
  never.wait_until(lock, stop, tick, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

void container_stats(Call& call) {
  auto state = call.engine.get(call.parameter("name"));
  bool stream = call.query.flag("stream", true);
  bool one_shot = call.query.flag("one-shot");
  if (stream && one_shot) fail_invalid("cannot have stream=true and one-shot=true");
  StatsSample before;
  StatsSample sample = call.engine.stats(state->id);
  auto tick = std::chrono::steady_clock::now();
  std::stop_token gone = call.request.hung_up();
  if (!stream) {
    if (sample.running && !one_shot) {
      if (!next_tick(gone, tick)) fail(Kind::kCancelled, "the client of stats went away");
      before = std::exchange(sample, call.engine.stats(state->id));
    }
    return reply(call, 200, stats_shape(*state, sample, before));
  }
  call.response.begin(200, kJson);
  for (;;) {
    call.response.write(dump_json(stats_shape(*state, sample, before)) + "\n");
    if (!next_tick(gone, tick)) return;
    before = std::move(sample);
    try {
      state = call.engine.get(state->id);
      sample = call.engine.stats(state->id);
    } catch (const Error& e) {
      if (e.kind() == Kind::kNotFound) return;  // removed: the end of the stream
      log::debug("stats of ", state->name, ": ", e.message());
      sample = {};  // it ended while it was looked at
    }
  }
}

}  // namespace hull::api
