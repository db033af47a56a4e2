// SPDX-License-Identifier: Apache-2.0
#include "container/health.h"

#include <algorithm>

#include "base/text.h"

namespace hull::container {

namespace {

using namespace std::chrono_literals;

constexpr auto kInterval = 30s, kTimeout = 30s, kStartInterval = 5s;
constexpr int kRetries = 3;
constexpr std::size_t kLogEntries = 5;
constexpr std::size_t kOutputBytes = 4096;

constexpr std::string_view kStarting = "starting", kHealthy = "healthy", kUnhealthy = "unhealthy";

std::chrono::nanoseconds or_default(std::int64_t nanoseconds, std::chrono::nanoseconds fallback) {
  return nanoseconds > 0 ? std::chrono::nanoseconds(nanoseconds) : fallback;
}

bool in_start_period(const HealthPlan& plan, Timestamp started, Timestamp time) {
  return time.nanoseconds - started.nanoseconds < plan.start_period.count();
}

// "1.5" for 1500 thousandths.
std::string decimal(std::int64_t value, std::int64_t unit) {
  std::string fraction = cat(unit + value % unit).substr(1);
  fraction.resize(fraction.find_last_not_of('0') + 1);
  return fraction.empty() ? cat(value / unit) : cat(value / unit, ".", fraction);
}

// As Go prints a duration: "1m0s", "1.5s", "250ms".
std::string duration_text(std::chrono::nanoseconds duration) {
  std::int64_t value = duration.count();
  if (value < 1'000'000) return decimal(value, 1'000) + "µs";
  if (value < 1'000'000'000) return decimal(value, 1'000'000) + "ms";
  std::int64_t minutes = value / 60'000'000'000, hours = minutes / 60;
  std::string text = decimal(value % 60'000'000'000, 1'000'000'000) + "s";
  if (minutes) text = cat(minutes % 60, "m", text);
  return hours ? cat(hours, "h", text) : text;
}

}  // namespace

std::optional<HealthPlan> health_plan(const Config& config) {
  if (!config.healthcheck || !config.healthcheck->test || config.healthcheck->test->empty()) return std::nullopt;
  const oci::HealthCheck& check = *config.healthcheck;
  const Strings& test = *check.test;
  HealthPlan plan;
  if (test.front() == "CMD-SHELL")
    plan.command = config.shell && !config.shell->empty() ? *config.shell : Strings{"/bin/sh", "-c"};
  else if (test.front() != "CMD")
    return std::nullopt;
  plan.command.insert(plan.command.end(), test.begin() + 1, test.end());
  if (test.size() < 2) return std::nullopt;
  plan.interval = or_default(check.interval, kInterval);
  plan.timeout = or_default(check.timeout, kTimeout);
  plan.start_period = or_default(check.start_period, 0s);
  plan.start_interval = or_default(check.start_interval, kStartInterval);
  plan.retries = check.retries > 0 ? check.retries : kRetries;
  return plan;
}

std::chrono::nanoseconds next_check(const HealthPlan& plan, const Health& health, Timestamp started, Timestamp now) {
  return health.status == kStarting && in_start_period(plan, started, now) ? plan.start_interval : plan.interval;
}

void take_result(Health& health, const HealthPlan& plan, HealthResult result, Timestamp started) {
  if (result.exit_code == 0) {
    health.failing_streak = 0;
    health.status = kHealthy;
  } else if (health.status != kStarting || !in_start_period(plan, started, result.start)) {
    if (++health.failing_streak >= plan.retries) health.status = kUnhealthy;
  }
  health.log.push_back(std::move(result));
  if (health.log.size() > kLogEntries) health.log.erase(health.log.begin());
}

std::string timeout_text(std::chrono::nanoseconds timeout, const std::string& output) {
  std::string text = cat("Health check exceeded timeout (", duration_text(timeout), ")");
  return output.empty() ? text : cat(text, ": ", output);
}

void LimitedOutput::append(std::string_view text) {
  std::size_t taken = std::min(kOutputBytes - kept_.size(), text.size());
  kept_.append(text.substr(0, taken));
  cut_ = cut_ || taken < text.size();
}

std::string LimitedOutput::text() const { return cut_ ? kept_ + "..." : kept_; }

}  // namespace hull::container
