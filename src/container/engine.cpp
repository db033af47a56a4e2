// SPDX-License-Identifier: Apache-2.0
#include "container/engine.h"

#include <algorithm>

#include "container/engine_impl.h"
#include "container/persistent.h"
#include "linux/pidfd.h"

namespace hull::container {

Engine::Engine(Configuration configuration, Services services)
    : impl_(std::make_unique<Impl>(std::move(configuration), services)) {
  impl_->services.volumes.set_who_names([this](const std::string& volume) {
    std::vector<std::string> ids;
    for (const auto& state : list())
      if (std::ranges::any_of(state->mounts, [&](const auto& m) { return m.type == "volume" && m.name == volume; }))
        ids.push_back(state->id);
    return ids;
  });
}
Engine::~Engine() = default;

StatePtr Engine::get(std::string_view name) const { return impl_->registry.get(name)->state(); }

StatePtr Engine::get_settled(std::string_view name) const {
  constexpr auto kExitOnItsWay = std::chrono::seconds(2);
  auto container = impl_->registry.get(name);
  auto state = container->state();
  if (state->status != Status::kRunning) return state;
  std::unique_lock lock(container->mutex);
  auto pidfd = container->pidfd;
  if (!pidfd || !linux::pidfd_ended(pidfd->get())) return container->state();
  auto is_recorded = [&] {
    auto now = container->state();
    return now->status != Status::kRunning || now->pid != state->pid;
  };
  container->changed.wait_for(lock, kExitOnItsWay, is_recorded);
  return container->state();
}

std::vector<StatePtr> Engine::list() const {
  std::vector<StatePtr> states;
  for (const auto& container : impl_->registry.list()) states.push_back(container->state());
  return states;
}

const Configuration& Engine::configuration() const { return impl_->configuration; }
std::shared_ptr<const Defaults> Engine::defaults() const { return impl_->defaults(); }
void Engine::set_defaults(Defaults defaults) {
  auto published = std::make_shared<const Defaults>(std::move(defaults));
  std::scoped_lock lock(impl_->defaults_mutex);
  impl_->defaults_ = std::move(published);
}
Services& Engine::services() { return impl_->services; }

std::string Engine::Impl::container_directory(const std::string& id) const {
  return cat(configuration.data_root, "/containers/", id);
}

std::string Engine::Impl::run_directory(const std::string& id, const std::string& run) const {
  return cat(configuration.exec_root, "/containers/", id, ".", run);
}

std::string Engine::Impl::cgroup_path(const std::string& id, const Spec& spec) const {
  const std::string& parent = spec.host.cgroup_parent.empty() ? configuration.cgroup_parent : spec.host.cgroup_parent;
  if (configuration.cgroup_driver == linux::CgroupDriver::kSystemd) return cat(parent, ":hull:", id);
  return cat(parent.starts_with('/') ? "" : "/", parent, "/", id);
}

std::unique_ptr<linux::Cgroup> Engine::Impl::cgroup_of(const State& state) const {
  return linux::make_cgroup(configuration.cgroup_driver, state.cgroup_path);
}

void Engine::Impl::persist(Live& container) {
  std::scoped_lock lock(container.persistence);
  services.database.set_container_state(container.id, encode_state(*container.state()));
}

void Engine::Impl::publish(const State& state, std::string action, std::map<std::string, std::string> more) {
  Event event;
  event.type = "container";
  event.action = std::move(action);
  event.actor_id = state.id;
  event.attributes = state.spec->config.labels;
  event.attributes["image"] = state.spec->config.image;
  event.attributes["name"] = state.name;
  for (auto& [key, value] : more) event.attributes[key] = std::move(value);
  services.events.publish(std::move(event));
}

bool is_up(const State& state) { return state.status == Status::kRunning || state.status == Status::kPaused; }

void require_running(const State& state) {
  if (state.status == Status::kRestarting)
    fail(Kind::kConflict, "Container ", state.id, " is restarting, wait until the container is running");
  if (!is_up(state)) fail(Kind::kConflict, "container ", state.id, " is not running");
}

}  // namespace hull::container
