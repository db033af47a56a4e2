// SPDX-License-Identifier: Apache-2.0
#include "settings/build_collection.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace hull::settings {
namespace {

std::vector<CollectionRule> rules_of(std::string builder) {
  Settings settings;
  settings.builder = std::move(builder);
  return build_collection(settings);
}

TEST(BuildCollectionTest, WithoutConfigurationTheDiskIsNotFilled) {
  auto rules = rules_of("");
  ASSERT_EQ(rules.size(), 4U);
  EXPECT_FALSE(rules[2].all);
  EXPECT_TRUE(rules[3].all);
  EXPECT_EQ(rules[3].reserved_space->of(1000), 100);
  EXPECT_EQ(rules[3].max_used_space->of(1000), 800);
  EXPECT_EQ(rules[3].min_free_space->of(1000), 200);
  EXPECT_EQ(rules[0].max_used_space->of(1), 512 << 20);
}

TEST(BuildCollectionTest, DockersKeysAreUnderstood) {
  EXPECT_TRUE(rules_of(R"({"gc":{"enabled":false,"defaultKeepStorage":"1GB"}})").empty());
  auto rules = rules_of(R"({"gc":{"enabled":true,"policy":[
      {"keepStorage":"10GB","filter":["unused-for=2200h"]},
      {"reservedSpace":1024,"maxUsedSpace":"50%","minFreeSpace":"5 %","filter":{"type":["regular"],"unused-for":{"24h":true}}},
      {"all":true,"keepDuration":"48h"}]}})");
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].reserved_space->bytes, std::int64_t{10} << 30);
  EXPECT_EQ(rules[0].filters.front(), std::pair(std::string("unused-for"), std::string("2200h")));
  EXPECT_EQ(rules[1].reserved_space->of(1), 1024);
  EXPECT_EQ(rules[1].max_used_space->of(400), 200);
  EXPECT_EQ(rules[1].min_free_space->of(400), 20);
  EXPECT_EQ(rules[1].filters.size(), 2U);
  EXPECT_TRUE(rules[2].all);
  EXPECT_EQ(rules[2].filters.front().second, "48h");
  auto defaults = rules_of(R"({"gc":{"defaultReservedSpace":"1GB","defaultMaxUsedSpace":"2GB"}})");
  EXPECT_EQ(defaults.back().reserved_space->of(5), 1 << 30);
  EXPECT_EQ(defaults.back().max_used_space->of(5), std::int64_t{2} << 30);
}

TEST(BuildCollectionTest, MistakesAreNamed) {
  for (const char* text :
       {R"([])", R"({"gc":[]})", R"({"gc":{"enable":true}})", R"({"gc":{"policy":[{"keepStorage":"much"}]}})",
        R"({"gc":{"policy":[{"filter":["age=1h"]}]}})", R"({"gc":{"policy":[{"filter":["unused-for=soon"]}]}})",
        R"({"gc":{"policy":["all"]}})", R"({"gc":{"defaultMaxUsedSpace":"120%"}})"}) {
    try {
      rules_of(text);
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), Kind::kInvalidArgument) << text;
      EXPECT_NE(e.message().find("builder"), std::string::npos) << e.message();
    }
  }
}

}  // namespace
}  // namespace hull::settings
