// SPDX-License-Identifier: Apache-2.0
#include "container/engine_impl.h"

namespace hull::container {

namespace {

// Between two attempts of its restart policy a container counts as running.
bool counts_as_running(const State& state) { return is_up(state) || state.status == Status::kRestarting; }

}  // namespace

WaitResult Engine::wait(std::string_view name, WaitCondition condition, const std::function<void()>& registered,
                        std::stop_token stop) {
  auto container = impl_->registry.get(name);
  std::unique_lock lock(container->mutex);
  std::uint64_t exits = container->exits;
  lock.unlock();
  registered();
  lock.lock();

  auto over = [&] {
    if (container->removed) return true;
    switch (condition) {
      case WaitCondition::kRemoved: return false;
      case WaitCondition::kNextExit: return container->exits != exits;
      case WaitCondition::kNotRunning: return container->exits != exits || !counts_as_running(*container->state());
    }
    return true;
  };
  if (!container->changed.wait(lock, stop, over)) fail(Kind::kCancelled, "the client of wait went away");
  auto state = container->state();
  // A start that failed has no exit, but an error.
  bool failed_start = !state->error.empty() && !is_up(*state);
  return {state->exit_code, failed_start ? state->error : ""};
}

}  // namespace hull::container
