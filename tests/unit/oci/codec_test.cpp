// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/wire.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"

using namespace hull;

namespace {

constexpr std::string_view kConfig =
    R"({"ociVersion":"1.2.0","process":{"user":{"uid":0,"gid":0,"additionalGids":[4,5]},"args":["sh"],"cwd":"/",)"
    R"("oomScoreAdj":-500},"linux":{"namespaces":[{"type":"pid"}],"resources":{"memory":{"limit":6291456}},)"
    R"("sysctl":{"kernel.domainname":"x"}}})";

}  // namespace

TEST(Codec, AConfigSurvivesJsonAndWire) {
  auto config = from_json<oci::RuntimeConfig>(parse_json(kConfig));
  EXPECT_EQ(config.process->user.additional_gids, (std::vector<std::uint32_t>{4, 5}));
  EXPECT_EQ(config.linux.resources->memory->limit, 6291456);
  EXPECT_EQ(dump_json(to_json(config)), kConfig);
  auto again = wire::decode<oci::RuntimeConfig>(wire::encode(config));
  EXPECT_EQ(dump_json(to_json(again)), kConfig);
}

TEST(Codec, AWrongTypeIsRefusedWithThePathOfItsField) {
  try {
    from_json<oci::RuntimeConfig>(parse_json(R"({"process":{"args":["sh",7]}})"));
    FAIL() << "accepted a number as an argument";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
    EXPECT_EQ(e.message(), "invalid JSON: process.args[1]: expected a string, got number");
  }
}

TEST(Codec, KeysMatchWithoutRegardToCase) {
  auto name_in = [](std::string_view text) { return from_json<oci::RuntimeConfig>(parse_json(text)).hostname; };
  EXPECT_EQ(name_in(R"({"HostName":"x"})"), "x");
  EXPECT_EQ(name_in(R"({"HostName":"x","hostname":"exact"})"), "exact");
  EXPECT_EQ(name_in(R"({"hostname":"exact","HOSTNAME":"x"})"), "exact");
  EXPECT_EQ(name_in(R"({"HOSTNAME":"first","HostName":"second"})"), "first");
}

TEST(Codec, ATruncatedMessageIsAnErrorNotACrash) {
  std::string whole = wire::encode(from_json<oci::RuntimeConfig>(parse_json(kConfig)));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(wire::decode<oci::RuntimeConfig>(std::string_view(whole).substr(0, size)), Error) << size;
}
