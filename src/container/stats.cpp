// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/process.h"
#include "container/engine_impl.h"

namespace hull::container {

namespace {

// The first seven columns of the "cpu" line of /proc/stat (proc_stat(5)), in nanoseconds.
std::uint64_t host_cpu_time() {
  std::string text = read_file("/proc/stat");
  auto columns = split(std::string_view(text).substr(0, text.find('\n')), ' ');
  std::uint64_t ticks = 0;
  int taken = 0;
  for (auto column : columns) {
    auto value = parse_number<std::uint64_t>(column);
    if (!value) continue;
    ticks += *value;
    if (++taken == 7) break;
  }
  return ticks * (1'000'000'000ULL / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
}

// "-q1,2,3", an argument of ps.
std::string number_list(const std::vector<pid_t>& pids) {
  std::string text = "-q";
  for (pid_t pid : pids) text += text.size() > 2 ? cat(",", pid) : cat(pid);
  return text;
}

}  // namespace

StatsSample Engine::stats(std::string_view name) {
  auto state = impl_->registry.get(name)->state();
  StatsSample sample;
  sample.running = is_up(*state);
  if (!sample.running) return sample;
  sample.read = now();
  sample.online_cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  sample.system_cpu = host_cpu_time();
  auto cgroup = impl_->cgroup_of(*state);
  if (cgroup->exists()) sample.cgroup = cgroup->stats();
  if (state->spec->host.network_mode != "host") sample.networks = network::interface_counters(state->pid);
  return sample;
}

std::int64_t Engine::size_rw(std::string_view name) {
  return impl_->services.snapshots.size_rw(impl_->registry.get(name)->id);
}

std::int64_t Engine::size_root(std::string_view name) {
  auto state = impl_->registry.get(name)->state();
  auto image = impl_->services.images.find(state->spec->image_id);
  return size_rw(name) + (image ? image->size : 0);
}

Engine::Top Engine::top(std::string_view name, const std::string& ps_arguments) {
  auto state = impl_->registry.get(name)->state();
  require_running(*state);
  std::vector<std::string> command = {"ps"};
  for (auto word : split(ps_arguments.empty() ? "-ef" : std::string_view(ps_arguments), ' '))
    if (!word.empty()) command.emplace_back(word);
  auto members = impl_->cgroup_of(*state)->processes();
  // Asked for by number they are listed whatever their terminal; some options of ps do not go together with that.
  auto by_number = command;
  by_number.push_back(number_list(members));
  auto listed = run_program(by_number);
  if (listed.exit_code != 0) listed = run_program(command);
  if (listed.exit_code != 0) fail_invalid("ps: ", trim(listed.errors));

  Top top;
  std::optional<std::size_t> pid_column;
  for (auto line : split(trim(listed.output), '\n')) {
    std::vector<std::string> fields;
    while (!(line = trim(line)).empty()) {
      bool rest = !top.titles.empty() && fields.size() + 1 == top.titles.size();  // the last column keeps its blanks
      auto end = rest ? line.size() : line.find(' ');
      fields.emplace_back(line.substr(0, end));
      line.remove_prefix(std::min(end, line.size()));
    }
    if (top.titles.empty()) {
      top.titles = fields;
      for (std::size_t i = 0; i < fields.size(); ++i)
        if (fields[i] == "PID") pid_column = i;
      if (!pid_column) fail_invalid("Couldn't find PID field in ps output");
      continue;
    }
    if (fields.size() <= *pid_column) continue;
    auto pid = parse_number<pid_t>(fields[*pid_column]);
    if (pid && std::ranges::find(members, *pid) != members.end()) top.processes.push_back(std::move(fields));
  }
  impl_->publish(*state, "top");
  return top;
}

}  // namespace hull::container
