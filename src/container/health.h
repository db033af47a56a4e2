// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "container/container.h"

// What is decided about health checks; who runs them is in health_monitor.h.
namespace hull::container {

// A container's health check with the defaults filled in.
struct HealthPlan {
  std::vector<std::string> command;
  std::chrono::nanoseconds interval{}, timeout{}, start_period{}, start_interval{};
  int retries = 0;
};
// Empty when the container has none, or NONE.
std::optional<HealthPlan> health_plan(const Config& config);

// How long after `now` the next check is due, counted from the end of the last one (or from the start).
std::chrono::nanoseconds next_check(const HealthPlan& plan, const Health& health, Timestamp started, Timestamp now);

// Counts one more result: healthy at the first success; unhealthy after so many failures in a row, of which those
// before the first success and within the start period are not counted. The log keeps the last five.
void take_result(Health& health, const HealthPlan& plan, HealthResult result, Timestamp started);

// The exit code of a check that could not be run, or was killed at its timeout.
inline constexpr int kNoHealthResult = -1;
// The output of a check that was killed, around what it had said until then.
std::string timeout_text(std::chrono::nanoseconds timeout, const std::string& output);

// The first 4,096 bytes of what is appended, then "...".
class LimitedOutput {
 public:
  void append(std::string_view text);
  std::string text() const;

 private:
  std::string kept_;
  bool cut_ = false;
};

}  // namespace hull::container
