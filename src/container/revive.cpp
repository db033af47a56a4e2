// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <mutex>

#include "base/log.h"
#include "container/dependencies.h"
#include "container/engine_impl.h"

// What has to happen to containers that do not run, now that the engine is back: removals are finished, and restart
// policies are applied. A container that needs another one (its namespace, its volumes) comes after it; apart from
// that all start at once.
namespace hull::container {

namespace {

bool wanted_by_policy(const State& state) {
  const RestartPolicy& policy = state.spec->host.restart_policy;
  if (policy.name == "always") return true;
  return !state.manually_stopped && Engine::Impl::policy_allows(state, state.exit_code);
}

std::int64_t created(const LivePtr& container) { return container->state()->spec->created; }

// The containers that are still to be started, each with those that wait for it.
class Revival : public std::enable_shared_from_this<Revival> {
 public:
  explicit Revival(Engine::Impl& engine) : engine_(engine) {}

  void add(const LivePtr& container) { waiting_.try_emplace(container->id, Waiting{container, 0, {}}); }

  void begin() {
    for (auto& [id, one] : waiting_) {
      for (const std::string& name : dependencies_of(*one.container->state()->spec)) {
        auto needed = engine_.registry.find(name);
        auto found = needed ? waiting_.find(needed->id) : waiting_.end();
        // What it needs was there when it was created: an order without circles, whatever was renamed since.
        if (found == waiting_.end() || created(found->second.container) >= created(one.container)) continue;
        found->second.dependents.push_back(id);
        ++one.missing;
      }
    }
    std::vector<LivePtr> ready;
    for (const auto& [id, one] : waiting_)
      if (one.missing == 0) ready.push_back(one.container);
    for (const auto& container : ready) start(container);
  }

 private:
  struct Waiting {
    LivePtr container;
    std::size_t missing = 0;  // containers that have to be started before
    std::vector<std::string> dependents;
  };

  void start(const LivePtr& container) {
    engine_.background.run([self = shared_from_this(), container] {
      try {
        self->engine_.start_by_hand(container);
      } catch (const Error& e) {
        log::warn("container ", container->state()->name, " could not be started again: ", e.message());
      }
      self->started(container->id);
    });
  }

  // Also after a failure: those that cannot do without it will say so themselves.
  void started(const std::string& id) {
    std::vector<LivePtr> ready;
    {
      std::scoped_lock lock(mutex_);
      for (const std::string& dependent : waiting_.at(id).dependents) {
        Waiting& one = waiting_.at(dependent);
        if (--one.missing == 0) ready.push_back(one.container);
      }
    }
    for (const auto& container : ready) start(container);
  }

  Engine::Impl& engine_;
  std::mutex mutex_;
  std::map<std::string, Waiting> waiting_;
};

}  // namespace

void Engine::Impl::revive(const std::vector<LivePtr>& containers) {
  auto revival = std::make_shared<Revival>(*this);
  for (const auto& container : containers) {
    auto state = container->state();
    if (is_up(*state)) continue;
    if (state->status == Status::kRemoving || (state->spec->host.auto_remove && state->status != Status::kCreated)) {
      container->change([](State& s) { s.status = Status::kExited; });
      remove_automatically(container);
      continue;
    }
    if (state->status == Status::kCreated) continue;
    if (state->status == Status::kRestarting) container->change([](State& s) { s.status = Status::kExited; });
    if (wanted_by_policy(*state)) revival->add(container);
  }
  revival->begin();
}

}  // namespace hull::container
