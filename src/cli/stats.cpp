// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <ctime>

#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/container_path.h"
#include "cli/listing.h"
#include "cli/live_screen.h"
#include "cli/units.h"
#include "cli/verbs.h"

namespace hull::cli::container {
namespace {

double cpu_percent(const Value& stats) {
  const Value &now = stats["cpu_stats"], &before = stats["precpu_stats"];
  double used = now["cpu_usage"]["total_usage"].real() - before["cpu_usage"]["total_usage"].real();
  double passed = now["system_cpu_usage"].real() - before["system_cpu_usage"].real();
  double cpus = now["online_cpus"].real();
  if (cpus == 0) cpus = static_cast<double>(now["cpu_usage"]["percpu_usage"].list().size());
  return used > 0 && passed > 0 ? used / passed * cpus * 100 : 0;
}

// Memory without the page cache that could be given back: "total_inactive_file" on cgroup v1, "inactive_file" on v2.
double memory_used(const Value& memory) {
  double usage = memory["usage"].real();
  for (std::string_view name : {"total_inactive_file", "inactive_file"})
    if (const Value* cache = memory["stats"].find_exact(name); cache && cache->real() < usage)
      return usage - cache->real();
  return usage;
}

std::string network_text(const Value& networks) {
  double in = 0, out = 0;
  for (const auto& [name, one] : networks.map()) {
    in += one["rx_bytes"].real();
    out += one["tx_bytes"].real();
  }
  return cat(decimal_size(in, 3), " / ", decimal_size(out, 3));
}

std::string block_text(const Value& block) {
  double in = 0, out = 0;
  for (const Value& entry : block["io_service_bytes_recursive"].list()) {
    char operation = entry["op"].text().empty() ? ' ' : entry["op"].text()[0];
    if (operation == 'r' || operation == 'R') in += entry["value"].real();
    if (operation == 'w' || operation == 'W') out += entry["value"].real();
  }
  return cat(decimal_size(in, 3), " / ", decimal_size(out, 3));
}

Value row_of(const std::string& asked, const Value& stats, bool whole) {
  const Value& memory = stats["memory_stats"];
  double used = memory_used(memory), limit = memory["limit"].real();
  const std::string &id = stats["id"].text(), &name = stats["name"].text();
  return Value::Map{{"Container", asked},
                    {"ID", whole ? id : short_form(id)},
                    {"Name", name.starts_with('/') ? name.substr(1) : name},
                    {"CPUPerc", fixed(cpu_percent(stats), 2) + "%"},
                    {"MemUsage", cat(binary_size(used), " / ", binary_size(limit))},
                    {"MemPerc", fixed(limit > 0 ? used / limit * 100 : 0, 2) + "%"},
                    {"NetIO", network_text(stats["networks"])},
                    {"BlockIO", block_text(stats["blkio_stats"])},
                    {"PIDs", cat(stats["pids_stats"]["current"].integer())}};
}

std::vector<std::string> chosen(Invocation& call) {
  if (!call.arguments().empty()) return call.arguments();
  std::vector<std::string> ids;
  const Value answer = call.client().get(call.options.is_set("all") ? "/containers/json?all=1" : "/containers/json");
  for (const Value& container : answer.list()) ids.push_back(container["Id"].text());
  return ids;
}

// One round: all containers are asked at the same time, since the engine measures each for a second.
std::vector<Value> measure(Invocation& call) {
  Client& client = call.client();
  auto names = chosen(call);
  client.negotiated_version();
  std::vector<std::unique_ptr<Connection>> answers;
  for (const std::string& name : names)
    answers.push_back(client.send("GET", container_path(name, "/stats", "?stream=0")));
  std::vector<Value> rows;
  for (std::size_t i = 0; i < names.size(); ++i) {
    try {
      client.finish_head(*answers[i]);
      rows.push_back(row_of(names[i], parse_value(answers[i]->read_body()), call.options.is_set("no-trunc")));
    } catch (const Refused& refused) {
      // One that went away between the list and the question is just not there; one that was named is missed.
      if (!call.arguments().empty() || refused.status() != 404) throw;
    }
  }
  return rows;
}

}  // namespace

int stats(Invocation& call) {
  const Listing listing{{{"ID", "CONTAINER ID"},
                         {"Name", "NAME"},
                         {"CPUPerc", "CPU %"},
                         {"MemUsage", "MEM USAGE / LIMIT"},
                         {"MemPerc", "MEM %"},
                         {"NetIO", "NET I/O"},
                         {"BlockIO", "BLOCK I/O"},
                         {"PIDs", "PIDS"}},
                        {{"Container", "CONTAINER"}},
                        "*container.statsContext"};
  const bool once = call.options.is_set("no-stream");
  const std::string format = chosen_format(call.options, "statsFormat");
  if (once) {
    print(listed(listing, measure(call), format));
    return 0;
  }
  for (LiveScreen screen;;) {
    auto started = std::time(nullptr);
    screen.draw(listed(listing, measure(call), format));
    if (std::time(nullptr) == started) ::sleep(1);
  }
}

}  // namespace hull::cli::container
