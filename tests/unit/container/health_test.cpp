// SPDX-License-Identifier: Apache-2.0
#include "container/health.h"

#include <gtest/gtest.h>

#include "container/dependencies.h"

namespace hull::container {
namespace {

using namespace std::chrono_literals;

Config with_test(Strings test) {
  Config config;
  config.healthcheck.emplace();
  config.healthcheck->test = std::move(test);
  return config;
}

HealthResult result(int code, std::int64_t at = 100'000'000'000) { return {{at}, {at + 1}, code, ""}; }

TEST(HealthPlan, fills_in_the_defaults) {
  auto plan = health_plan(with_test({"CMD-SHELL", "curl x"}));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->command, (Strings{"/bin/sh", "-c", "curl x"}));
  EXPECT_EQ(plan->interval, 30s);
  EXPECT_EQ(plan->timeout, 30s);
  EXPECT_EQ(plan->start_period, 0s);
  EXPECT_EQ(plan->start_interval, 5s);
  EXPECT_EQ(plan->retries, 3);
}

TEST(HealthPlan, knows_the_kinds_of_tests) {
  EXPECT_EQ(health_plan(with_test({"CMD", "a", "b"}))->command, (Strings{"a", "b"}));
  Config shell = with_test({"CMD-SHELL", "x"});
  shell.shell = Strings{"/bin/ash", "-ec"};
  EXPECT_EQ(health_plan(shell)->command, (Strings{"/bin/ash", "-ec", "x"}));
  for (const Strings& none : {Strings{"NONE"}, Strings{}, Strings{"CMD"}}) EXPECT_FALSE(health_plan(with_test(none)));
  EXPECT_FALSE(health_plan(Config{}));
}

TEST(HealthResults, failures_in_a_row_count_and_one_success_heals) {
  auto plan = *health_plan(with_test({"CMD", "x"}));
  Health health{"starting", 0, {}};
  for (const char* expected : {"starting", "starting", "unhealthy", "unhealthy"}) {
    take_result(health, plan, result(1), {});
    EXPECT_EQ(health.status, expected);
  }
  EXPECT_EQ(health.failing_streak, 4);
  take_result(health, plan, result(0), {});
  EXPECT_EQ(health.status, "healthy");
  EXPECT_EQ(health.failing_streak, 0);
  take_result(health, plan, result(1), {});
  EXPECT_EQ(health.status, "healthy");
  take_result(health, plan, result(7), {});
  EXPECT_EQ(health.log.size(), 5U);
  EXPECT_EQ(health.log.back().exit_code, 7);
}

TEST(HealthResults, the_start_period_forgives_until_the_first_success) {
  auto plan = *health_plan(with_test({"CMD", "x"}));
  plan.retries = 1;
  plan.start_period = 10s;
  Health health{"starting", 0, {}};
  Timestamp started{1'000'000'000};
  take_result(health, plan, result(1, 5'000'000'000), started);
  EXPECT_EQ(health.status, "starting");
  EXPECT_EQ(next_check(plan, health, started, {5'000'000'000}), 5s);
  EXPECT_EQ(next_check(plan, health, started, {11'000'000'000}), 30s);
  take_result(health, plan, result(0, 6'000'000'000), started);
  EXPECT_EQ(next_check(plan, health, started, {6'000'000'000}), 30s);
  take_result(health, plan, result(1, 7'000'000'000), started);
  EXPECT_EQ(health.status, "unhealthy");
}

TEST(HealthOutput, is_cut_and_worded) {
  LimitedOutput output;
  output.append(std::string(4000, 'a'));
  output.append(std::string(96, 'b'));
  EXPECT_EQ(output.text().size(), 4096U);
  output.append("c");
  EXPECT_EQ(output.text(), std::string(4000, 'a') + std::string(96, 'b') + "...");
  EXPECT_EQ(timeout_text(90s, ""), "Health check exceeded timeout (1m30s)");
  EXPECT_EQ(timeout_text(1500ms, "x"), "Health check exceeded timeout (1.5s): x");
  EXPECT_EQ(timeout_text(250ms, ""), "Health check exceeded timeout (250ms)");
  EXPECT_EQ(timeout_text(1h, ""), "Health check exceeded timeout (1h0m0s)");
}

TEST(Dependencies, are_all_that_a_container_borrows) {
  Spec spec;
  spec.host.network_mode = "container:a";
  spec.host.pid_mode = "container:b";
  spec.host.ipc_mode = "private";
  spec.host.links = Strings{"c:alias"};
  spec.host.volumes_from = Strings{"d:ro", "e"};
  EXPECT_EQ(dependencies_of(spec), (Strings{"a", "b", "c", "d", "e"}));
}

}  // namespace
}  // namespace hull::container
