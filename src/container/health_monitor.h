// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "container/engine_impl.h"
#include "container/health.h"

namespace hull::container {

// The health checks of one run of a container: a timer of the reactor, then an exec in the container whose output
// comes through a socket that the reactor watches, then the timer again. No thread waits for anything.
class HealthMonitor : public std::enable_shared_from_this<HealthMonitor> {
 public:
  HealthMonitor(Engine::Impl& engine, const LivePtr& container, HealthPlan plan);

  void begin();
  // After return no check begins, and the result of one that is going on is not taken. Idempotent.
  void end();

 private:
  struct Probe {
    Timestamp start;
    UniqueFd socket;  // our end of its output
    linux::Reactor::Id watch = 0;
    LimitedOutput output;
    bool output_ended = false;
    std::optional<shim::ExecExit> exit;
  };

  void schedule();
  void run_probe();
  void watch_output(UniqueFd socket);
  void read_output();
  void on_exit(const shim::ExecExit& exit);
  std::optional<HealthResult> completed();
  void finish(HealthResult result);
  void act(const LivePtr& container);

  Engine::Impl& engine_;
  const std::weak_ptr<Live> container_;
  const HealthPlan plan_;

  std::mutex mutex_;
  bool over_ = false;
  linux::Reactor::Id timer_ = 0;
  std::optional<Probe> probe_;
};

}  // namespace hull::container
