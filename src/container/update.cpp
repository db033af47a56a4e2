// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/fault.h"
#include "container/block_rules.h"
#include "container/engine_impl.h"
#include "container/normalize_steps.h"
#include "container/oci_config.h"
#include "container/persistent.h"

namespace hull::container {

namespace {

template <class Value>
void take(Value& target, const Value& change) {
  if (change != Value{}) target = change;
}
// Of devices an empty list takes all rules away, and only a list that is not there leaves them alone.
template <class Item>
void take(std::optional<std::vector<Item>>& target, const std::optional<std::vector<Item>>& change) {
  if (change) target = change;
}

// The kernel keeps a device's rule until another comes: those that are no more get one that says "none".
template <class Item>
void lift(std::optional<std::vector<Item>>& now, const std::optional<std::vector<Item>>& before) {
  if (!before) return;
  if (!now) now.emplace();
  for (const Item& old : *before)
    if (std::ranges::find(*now, old.path, &Item::path) == now->end()) now->push_back({old.path, 0});
}

// What has to be written for `now` to be all that counts.
Spec with_lifted_rules(Spec now, const HostConfig& before) {
  for_block_rules([&](auto rules) { lift(now.host.*rules, before.*rules); });
  return now;
}

struct Conflict {
  std::string_view updated, present;
  bool is;
};

// --cpus is a period and a quota: there can be only one way to say it.
void check_cpu_conflicts(const HostConfig& host, const HostConfig& changes) {
  for (auto [updated, present, is] : {Conflict{"Nano CPUs", "CPU Period", changes.nano_cpus > 0 && host.cpu_period > 0},
                                      Conflict{"Nano CPUs", "CPU Quota", changes.nano_cpus > 0 && host.cpu_quota > 0},
                                      Conflict{"CPU Period", "NanoCPUs", changes.cpu_period > 0 && host.nano_cpus > 0},
                                      Conflict{"CPU Quota", "NanoCPUs", changes.cpu_quota > 0 && host.nano_cpus > 0}})
    if (is) fail_invalid("Conflicting options: ", updated, " cannot be updated as ", present, " has already been set");
}

// Zero means "leave alone" in every number of an update.
HostConfig merged(HostConfig host, const HostConfig& changes) {
  check_cpu_conflicts(host, changes);
  take(host.cpu_shares, changes.cpu_shares);
  take(host.nano_cpus, changes.nano_cpus);
  take(host.cpu_period, changes.cpu_period);
  take(host.cpu_quota, changes.cpu_quota);
  take(host.cpu_realtime_period, changes.cpu_realtime_period);
  take(host.cpu_realtime_runtime, changes.cpu_realtime_runtime);
  take(host.cpuset_cpus, changes.cpuset_cpus);
  take(host.cpuset_mems, changes.cpuset_mems);
  take(host.memory_reservation, changes.memory_reservation);
  take(host.blkio_weight, changes.blkio_weight);
  if (changes.memory != 0 && changes.memory_swap == 0 && host.memory_swap > 0 && changes.memory > host.memory_swap)
    fail_invalid(
        "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time");
  take(host.memory, changes.memory);
  take(host.memory_swap, changes.memory_swap);
  for_block_rules([&](auto rules) { take(host.*rules, changes.*rules); });
  if (changes.pids_limit) host.pids_limit = std::max<std::int64_t>(*changes.pids_limit, 0);  // 0: none
  if (!changes.restart_policy.name.empty()) {
    if (host.auto_remove && changes.restart_policy.name != "no")
      fail(Kind::kConflict, "Restart policy cannot be updated because AutoRemove is enabled for the container");
    host.restart_policy = changes.restart_policy;
    normalize_restart_policy(host);
  }
  return host;
}

std::string_view name_of(std::string_view variable) { return split_once(variable, '=').first; }

void remove_variable(Strings& env, std::string_view name) {
  std::erase_if(env, [&](const std::string& variable) { return name_of(variable) == name; });
}

void change_config(Config& config, const Changes& changes) {
  for (const std::string& name : changes.unset_labels) config.labels.erase(name);
  for (const auto& [name, value] : changes.labels) config.labels[name] = value;
  if (changes.env.empty() && changes.unset_env.empty()) return;
  Strings env = config.env.value_or(Strings{});
  for (const std::string& name : changes.unset_env) remove_variable(env, name);
  for (const std::string& variable : changes.env) {
    if (variable.find('=') == std::string::npos || variable.starts_with('='))
      fail_invalid("invalid environment variable: ", variable);
    remove_variable(env, name_of(variable));
    env.push_back(variable);
  }
  config.env = std::move(env);
}

}  // namespace

std::vector<std::string> Engine::update(std::string_view name, const Changes& changes) {
  auto container = impl_->registry.get(name);
  std::scoped_lock operation(container->operation);
  auto state = container->state();
  if (state->status == Status::kRemoving || state->status == Status::kDead)
    fail(Kind::kConflict, "Cannot update container ", state->id,
         ": container is marked for removal and cannot be \"update\".");
  auto spec = std::make_shared<Spec>(*state->spec);
  spec->host = merged(spec->host, changes.host);
  change_config(spec->config, changes);
  std::vector<std::string> warnings;
  validate_resources(spec->host, warnings);
  if (is_up(*state)) impl_->cgroup_of(*state)->update(resources_of(with_lifted_rules(*spec, state->spec->host)));
  fault::point("update.limits");
  impl_->services.database.set_container_spec(state->id, encode_spec(*spec));
  fault::point("update.recorded");
  auto updated = container->change([&](State& s) { s.spec = spec; });
  impl_->publish(*updated, "update");
  return warnings;
}

}  // namespace hull::container
