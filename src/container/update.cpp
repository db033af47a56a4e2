// SPDX-License-Identifier: Apache-2.0
#include "container/engine_impl.h"
#include "container/normalize.h"
#include "container/oci_config.h"
#include "container/persistent.h"

namespace hull::container {

namespace {

template <class Value>
void take(Value& target, const Value& change) {
  if (change != Value{}) target = change;
}

// Zero means "leave alone" in every field of an update.
HostConfig merged(HostConfig host, const HostConfig& changes) {
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
  if (changes.pids_limit && *changes.pids_limit != 0) host.pids_limit = changes.pids_limit;
  if (!changes.restart_policy.name.empty()) {
    if (host.auto_remove && changes.restart_policy.name != "no")
      fail_invalid("Restart policy cannot be updated because AutoRemove is enabled for the container");
    host.restart_policy = changes.restart_policy;
  }
  return host;
}

}  // namespace

std::vector<std::string> Engine::update(std::string_view name, const HostConfig& changes) {
  auto container = impl_->registry.get(name);
  std::scoped_lock operation(container->operation);
  auto state = container->state();
  if (state->status == Status::kRemoving || state->status == Status::kDead)
    fail(Kind::kConflict, "Cannot update container ", state->id,
         ": container is marked for removal and cannot be \"update\".");
  auto spec = std::make_shared<Spec>(*state->spec);
  spec->host = merged(spec->host, changes);
  std::vector<std::string> warnings;
  validate_resources(spec->host, warnings);
  if (is_up(*state)) impl_->cgroup_of(*state)->update(resources_of(*spec));
  impl_->services.database.set_container_spec(state->id, encode_spec(*spec));
  auto updated = container->change([&](State& s) { s.spec = spec; });
  impl_->publish(*updated, "update");
  return warnings;
}

}  // namespace hull::container
