// SPDX-License-Identifier: Apache-2.0
#include "api/router.h"

#include <gtest/gtest.h>

#include "api/container_shapes.h"
#include "api/filters.h"
#include "api/status.h"
#include "api/terminal_size.h"
#include "base/error.h"

namespace hull::api {
namespace {

TEST(Routes, ImageNamesMayHaveSlashes) {
  auto found = match_path("/images/{name*}/json", "/images/docker.io/library/debian:12/json");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->front().second, "docker.io/library/debian:12");
  EXPECT_FALSE(match_path("/images/{name*}/json", "/images/json"));
}

TEST(Routes, ContainerNamesMayNot) {
  EXPECT_TRUE(match_path("/containers/{name}/json", "/containers/web/json"));
  EXPECT_FALSE(match_path("/containers/{name}/json", "/containers/a/b/json"));
  EXPECT_FALSE(match_path("/containers/{name}/json", "/containers//json"));
}

TEST(Versions, ArePrefixesOfThePath) {
  EXPECT_EQ(split_version("/v1.41/containers/json").first, (Version{1, 41}));
  EXPECT_EQ(split_version("/v1.41/containers/json").second, "/containers/json");
  EXPECT_FALSE(split_version("/version").first);
  EXPECT_EQ(split_version("/volumes/x").second, "/volumes/x");
}

TEST(Versions, OutsideOfTheRangeAreRefusedInDockersWords) {
  EXPECT_NO_THROW(check_supported({1, 24}));
  EXPECT_NO_THROW(check_supported({1, 56}));
  try {
    check_supported({1, 99});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.message(), "client version 1.99 is too new. Maximum supported API version is 1.56");
    EXPECT_EQ(status_of(e.kind()), 400);
  }
}

TEST(Queries, BooleansAreDockers) {
  Query query("a=1&b=0&c=False&d=&e=yes&f=%20none%20&g");
  EXPECT_TRUE(query.flag("a"));
  EXPECT_FALSE(query.flag("b"));
  EXPECT_FALSE(query.flag("c"));
  EXPECT_FALSE(query.flag("d"));
  EXPECT_TRUE(query.flag("e"));
  EXPECT_FALSE(query.flag("f"));
  EXPECT_FALSE(query.flag("g"));
  EXPECT_TRUE(query.flag("missing", true));
}

TEST(Queries, TimesHaveFractions) {
  EXPECT_EQ(Query("since=1700000000.5").time("since")->nanoseconds, 1'700'000'000'500'000'000);
  EXPECT_FALSE(Query("until=0").time("until"));
  EXPECT_THROW(Query("since=x").time("since"), Error);
}

TEST(Queries, TerminalSizesAreStrict) {
  EXPECT_EQ(terminal_size(Query("h=24"), "h", "height"), 24U);
  try {
    terminal_size(Query("h=99999999999"), "h", "height");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.message(), "invalid resize height \"99999999999\": value out of range");
  }
  EXPECT_THROW(terminal_size(Query(""), "h", "height"), Error);
}

TEST(FilterTexts, ComeInTwoForms) {
  for (const char* text : {R"(filters={"name":{"web":true}})", R"(filters={"name":["web"]})"}) {
    Filters filters(Query(text), {"name"});
    EXPECT_TRUE(filters.pattern("name", "my-web-1"));
    EXPECT_FALSE(filters.pattern("name", "db"));
  }
  EXPECT_THROW(Filters(Query(R"(filters={"nonsense":["x"]})"), {"name"}), Error);
  EXPECT_THROW(Filters(Query(R"(filters=[1])"), {"name"}), Error);
}

TEST(FilterTexts, LabelsMustAllFit) {
  Filters filters(Query(R"(filters={"label":["a","b=2"]})"), {"label"});
  EXPECT_TRUE(filters.labels({{"a", "1"}, {"b", "2"}}));
  EXPECT_FALSE(filters.labels({{"a", "1"}, {"b", "3"}}));
  EXPECT_FALSE(filters.labels({{"b", "2"}}));
}

TEST(HumanDurations, AreDockers) {
  EXPECT_EQ(human_duration(0), "Less than a second");
  EXPECT_EQ(human_duration(59), "59 seconds");
  EXPECT_EQ(human_duration(61), "About a minute");
  EXPECT_EQ(human_duration(3600), "About an hour");
  EXPECT_EQ(human_duration(47 * 3600), "47 hours");
  EXPECT_EQ(human_duration(49 * 3600), "2 days");
}

TEST(StatusTexts, SayWhatAContainerDoes) {
  container::State state;
  state.status = container::Status::kRunning;
  state.started = {1'000'000'000};
  EXPECT_EQ(status_text(state, {6'000'000'000}), "Up 5 seconds");
  state.health.emplace().status = "starting";
  EXPECT_EQ(status_text(state, {6'000'000'000}), "Up 5 seconds (health: starting)");
  state.status = container::Status::kExited;
  state.exit_code = 3;
  state.finished = {4'000'000'000};
  EXPECT_EQ(status_text(state, {6'000'000'000}), "Exited (3) 2 seconds ago");
}

}  // namespace
}  // namespace hull::api
