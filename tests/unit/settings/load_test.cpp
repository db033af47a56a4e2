// SPDX-License-Identifier: Apache-2.0
#include "settings/load.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "settings/options.h"

namespace hull::settings {
namespace {

class Configuration : public testing::Test {
 protected:
  Settings with(const std::string& json, std::vector<std::string> flags = {}) {
    write_file_atomically(path_, json, 0644, Durability::kProcessCrash);
    flags.insert(flags.end(), {"--config-file", path_});
    return load(parse_command_line(flags));
  }
  std::string refusal(const std::string& json, const std::vector<std::string>& flags = {}) {
    try {
      with(json, flags);
    } catch (const Error& e) {
      return e.message();
    }
    return "accepted";
  }
  TempDir directory_;
  std::string path_ = directory_.path() + "/daemon.json";
};

TEST(CommandLines, HaveDockersGrammar) {
  auto line = parse_command_line({"-D", "-H", "unix:///a", "--host=tcp://b", "-lwarn", "--icc=false", "--log-opt",
                                  "max-size=1m", "--default-ulimit", "nofile=64:128", "--default-shm-size=1g"});
  EXPECT_TRUE(line.settings.debug);
  EXPECT_EQ(line.settings.hosts, (Strings{"unix:///a", "tcp://b"}));
  EXPECT_EQ(line.settings.log_level, "warn");
  EXPECT_FALSE(line.settings.icc);
  EXPECT_EQ(line.settings.log_options.at("max-size"), "1m");
  EXPECT_EQ(line.settings.default_ulimits.at("nofile").hard, 128);
  EXPECT_EQ(line.settings.default_shm_size.bytes, 1 << 30);
  EXPECT_TRUE(line.given.contains("icc"));
}

TEST(CommandLines, AreRefusedInDockersWords) {
  auto refusal = [](std::vector<std::string> words) -> std::string {
    try {
      parse_command_line(words);
    } catch (const Error& e) {
      return e.message();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal({"--nonsense"}), "unknown flag: --nonsense");
  EXPECT_EQ(refusal({"-Z"}), "unknown shorthand flag: 'Z'");
  EXPECT_EQ(refusal({"--host"}), "flag needs an argument: --host");
  EXPECT_EQ(refusal({"--mtu", "x"}), "invalid argument \"x\" for \"--mtu\" flag: it must be a whole number");
}

TEST_F(Configuration, ReadsEveryTypeOfValue) {
  auto settings = with(R"({"debug": true, "labels": ["a=b"], "log-opts": {"max-size": "1m"}, "mtu": 1400,
      "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 9, "Soft": 8}}, "default-shm-size": "32M",
      "features": {"buildkit": true}, "default-address-pools": [{"base": "10.0.0.0/8", "size": 24}],
      "proxies": {"http-proxy": "http://p"}, "builder": {"gc": {"enabled": true}}})");
  EXPECT_TRUE(settings.debug);
  EXPECT_EQ(settings.labels, Strings{"a=b"});
  EXPECT_EQ(settings.mtu, 1400);
  EXPECT_EQ(settings.default_ulimits.at("nofile").soft, 8);
  EXPECT_EQ(settings.default_shm_size.bytes, 32 << 20);
  EXPECT_EQ(settings.default_address_pools.front().size, 24);
  EXPECT_EQ(settings.http_proxy, "http://p");
  EXPECT_EQ(settings.builder, R"({"gc":{"enabled":true}})");
}

TEST_F(Configuration, NamesWhatIsWrong) {
  EXPECT_NE(refusal(R"({"nonsense": 1})").find("don't match any configuration option: nonsense"), std::string::npos);
  EXPECT_NE(refusal(R"({"debug": "yes"})").find("debug: expected a boolean, got string"), std::string::npos);
  EXPECT_NE(refusal(R"({"labels": ["a=b", "a=c"]})").find("conflict labels for a="), std::string::npos);
  EXPECT_NE(refusal("[1]").find("no JSON object"), std::string::npos);
  EXPECT_NE(refusal(R"({"authorization-plugins": ["x"]})").find("would be let in"), std::string::npos);
  EXPECT_NE(refusal(R"({"storage-driver": "btrfs"})").find("use overlay2"), std::string::npos);
}

TEST_F(Configuration, SaidTwiceIsRefused) {
  EXPECT_EQ(refusal(R"({"debug": false, "hosts": ["unix:///b"]})", {"-D", "-H", "unix:///a"}),
            "unable to configure hulld with file " + path_ +
                ": the following directives are specified both as a flag and in the configuration file: debug: (from "
                "flag: true, from file: false), hosts: (from flag: [unix:///a], from file: [unix:///b])");
}

TEST_F(Configuration, OnlyTheDefaultFileMayBeMissing) {
  EXPECT_THROW(load(parse_command_line({"--config-file", directory_.path() + "/missing"})), Error);
}

TEST_F(Configuration, ReloadTakesOnlyWhatCanChange) {
  auto now = with("{}"), wanted = with(R"({"debug": true, "labels": ["x=y"], "bip": "10.0.0.1/24"})");
  auto result = reload(now, wanted);
  EXPECT_TRUE(result.settings.debug);
  EXPECT_EQ(result.settings.labels, Strings{"x=y"});
  EXPECT_EQ(result.settings.bip, "");
  EXPECT_EQ(result.changed, (Strings{"debug", "labels"}));
  EXPECT_EQ(result.deferred, Strings{"bip"});
  EXPECT_EQ(reloadable_values(result.settings).at("labels"), R"(["x=y"])");
}

TEST_F(Configuration, WithoutEffectIsSaid) {
  auto sentences = without_effect(with(R"({"userland-proxy": false, "debug": true})"));
  ASSERT_EQ(sentences.size(), 1u);
  EXPECT_NE(sentences[0].find("userland-proxy"), std::string::npos);
}

TEST(Options, EachKeyAndFlagIsThereOnce) {
  std::set<std::string_view> keys, flags;
  std::set<char> letters;
  for (const Option& option : options()) {
    EXPECT_TRUE(keys.insert(option.key).second) << option.key;
    if (!option.flag.empty()) {
      EXPECT_TRUE(flags.insert(option.flag).second) << option.flag;
    }
    if (option.letter) {
      EXPECT_TRUE(letters.insert(option.letter).second) << option.letter;
    }
    bool has_reason = option.effect == Effect::kNone || option.effect == Effect::kRefused;
    EXPECT_EQ(has_reason, !option.note.empty()) << option.key;
  }
}

}  // namespace
}  // namespace hull::settings
