// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"
#include "container/engine_impl.h"

namespace hull::container {

void Engine::pause(std::string_view name) {
  auto container = impl_->registry.get(name);
  std::scoped_lock operation(container->operation);
  auto state = container->state();
  if (state->status == Status::kPaused) fail(Kind::kConflict, "container ", state->id, " is already paused");
  require_running(*state);
  impl_->cgroup_of(*state)->freeze();
  fault::point("pause.frozen");
  auto paused = container->change([](State& s) {
    if (s.status == Status::kRunning) s.status = Status::kPaused;
  });
  impl_->end_health_checks(*container);
  impl_->persist(*container);
  impl_->publish(*paused, "pause");
}

void Engine::unpause(std::string_view name) {
  auto container = impl_->registry.get(name);
  std::scoped_lock operation(container->operation);
  auto state = container->state();
  if (state->status != Status::kPaused) fail(Kind::kInternal, "Container ", state->id, " is not paused");
  impl_->thaw_if_paused(container);
  impl_->persist(*container);
}

}  // namespace hull::container
