// SPDX-License-Identifier: Apache-2.0
#include "container/engine_impl.h"

namespace hull::container {

WaitResult Engine::wait(std::string_view name, WaitCondition condition, const std::function<void()>& registered,
                        std::stop_token stop) {
  auto container = impl_->registry.get(name);
  std::unique_lock lock(container->mutex);
  std::uint64_t exits = container->exits;
  bool up_at_first = container->state()->status == Status::kRunning || container->state()->status == Status::kPaused ||
                     container->state()->status == Status::kRestarting;
  lock.unlock();
  registered();
  lock.lock();

  auto over = [&] {
    if (container->removed) return true;
    switch (condition) {
      case WaitCondition::kRemoved: return false;
      case WaitCondition::kNextExit: return container->exits != exits;
      case WaitCondition::kNotRunning: return !up_at_first || container->exits != exits;
    }
    return true;
  };
  if (!container->changed.wait(lock, stop, over)) fail(Kind::kCancelled, "the client of wait went away");
  auto state = container->state();
  // A start that failed has no exit, but an error.
  bool failed_start = !state->error.empty() && state->status != Status::kRunning;
  return {state->exit_code, failed_start ? state->error : ""};
}

}  // namespace hull::container
