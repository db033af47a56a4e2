// SPDX-License-Identifier: Apache-2.0
#include "container/normalize.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "container/machine_facts.h"
#include "linux/limit_support.h"
#include "spec_builder.h"

namespace hull::container {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NormalizeTest, FillsInWhatInspectShows) {
  Spec spec = normalized({}).spec;
  EXPECT_EQ(spec.host.restart_policy.name, "no");
  EXPECT_EQ(spec.host.ipc_mode, "private");
  EXPECT_EQ(spec.host.network_mode, "bridge");
  EXPECT_EQ(spec.host.shm_size, 64 << 20);
  EXPECT_EQ(spec.host.log_config.type, "json-file");
  EXPECT_EQ(spec.host.runtime, "runc");
  EXPECT_EQ(spec.config.hostname, "0123456789ab");
  EXPECT_TRUE(spec.endpoints.contains("bridge"));
  EXPECT_THAT(spec.host.masked_paths.value(), ::testing::Contains("/proc/kcore"));
  EXPECT_THAT(spec.host.readonly_paths.value(), ::testing::Contains("/proc/sys"));
}

TEST(NormalizeTest, AcceptsTheZerosThatEveryClientSends) {
  Spec spec;
  spec.host.memory_swappiness = -1;
  spec.host.oom_kill_disable = false;
  spec.host.pids_limit = 0;
  spec.host.network_mode = "default";
  spec.endpoints["default"];
  Normalized result = normalized(spec);
  EXPECT_FALSE(result.spec.host.memory_swappiness);
  EXPECT_FALSE(result.spec.host.pids_limit);
  EXPECT_THAT(result.warnings, ElementsAre());
  EXPECT_TRUE(result.spec.endpoints.contains("bridge"));
  EXPECT_FALSE(result.spec.endpoints.contains("default"));
}

TEST(NormalizeTest, KeepsEmptyListsOfPathsAndClearsThemWhenPrivileged) {
  Spec unmasked;
  unmasked.host.masked_paths.emplace();
  EXPECT_TRUE(normalized(unmasked).spec.host.masked_paths.value().empty());
  Spec privileged;
  privileged.host.privileged = true;
  privileged.host.masked_paths = Strings{"/proc/kcore"};
  EXPECT_FALSE(normalized(privileged).spec.host.masked_paths);
}

struct CommandCase {
  std::optional<Strings> entrypoint, cmd, image_entrypoint, image_cmd;
  Strings words;
};
TEST(NormalizeTest, PutsTheCommandTogether) {
  const CommandCase kCases[] = {
      {{}, {}, {}, Strings{"sh"}, {"sh"}},
      {{}, Strings{"ls", "-l"}, {}, Strings{"sh"}, {"ls", "-l"}},
      {{}, Strings{"-l"}, Strings{"ls"}, Strings{"/"}, {"ls", "-l"}},
      {{}, {}, Strings{"ls"}, Strings{"/"}, {"ls", "/"}},
      {Strings{"cat"}, {}, Strings{"ls"}, Strings{"/"}, {"cat"}},
      {Strings{""}, Strings{"id"}, Strings{"ls"}, Strings{"/"}, {"id"}},
  };
  for (const CommandCase& test : kCases) {
    Spec spec;
    spec.config.entrypoint = test.entrypoint;
    spec.config.cmd = test.cmd;
    oci::ExecutionConfig image;
    image.entrypoint = test.image_entrypoint;
    image.cmd = test.image_cmd;
    Spec result = normalized(spec, image).spec;
    Strings words = {result.path};
    words.insert(words.end(), result.args.begin(), result.args.end());
    EXPECT_EQ(words, test.words);
  }
  Spec nothing;
  nothing.config.entrypoint = Strings{""};
  oci::ExecutionConfig image;
  image.cmd = Strings{"sh"};
  EXPECT_EQ(refusal([&] { normalized(nothing, image); }), "no command specified");
}

TEST(NormalizeTest, MergesTheImage) {
  oci::ExecutionConfig image;
  image.user = "www";
  image.env = {"PATH=/bin", "LANG=C"};
  image.labels = {{"a", "image"}, {"b", "image"}};
  image.working_dir = "/srv/";
  image.stop_signal = "SIGQUIT";
  image.exposed_ports = {{"80/tcp", {}}, {"9000-9001/udp", {}}};
  image.healthcheck = oci::HealthCheck{Strings{"CMD", "true"}, 5'000'000'000, 0, 0, 0, 7};
  Spec spec;
  spec.config.env = Strings{"LANG=de", "X=1"};
  spec.config.labels = {{"a", "own"}};
  spec.config.exposed_ports = {{"443", {}}};
  spec.config.healthcheck = oci::HealthCheck{std::nullopt, 0, 3'000'000'000, 0, 0, 0};
  Config config = normalized(spec, image).spec.config;
  EXPECT_EQ(config.user, "www");
  EXPECT_THAT(config.env.value(), ElementsAre("LANG=de", "X=1", "PATH=/bin"));
  EXPECT_EQ(config.labels, (StringMap{{"a", "own"}, {"b", "image"}}));
  EXPECT_EQ(config.working_dir, "/srv");
  EXPECT_EQ(config.stop_signal, "SIGQUIT");
  EXPECT_EQ(config.exposed_ports.size(), 4U);
  EXPECT_TRUE(config.exposed_ports.contains("443/tcp"));
  EXPECT_TRUE(config.exposed_ports.contains("9001/udp"));
  EXPECT_EQ(config.healthcheck->test.value(), (Strings{"CMD", "true"}));
  EXPECT_EQ(config.healthcheck->interval, 5'000'000'000);
  EXPECT_EQ(config.healthcheck->timeout, 3'000'000'000);
  EXPECT_EQ(config.healthcheck->retries, 7);
}

TEST(NormalizeTest, ResolvesContainersOfModes) {
  Spec spec;
  spec.host.network_mode = spec.host.ipc_mode = spec.host.pid_mode = "container:donor";
  Spec result = normalized(spec).spec;
  for (const std::string* mode : {&result.host.network_mode, &result.host.ipc_mode, &result.host.pid_mode})
    EXPECT_EQ(*mode, "container:" + std::string(64, 'd'));
  EXPECT_TRUE(result.endpoints.empty());
}

TEST(NormalizeTest, TakesTheHostsNameInItsNetwork) {
  Spec spec;
  spec.host.network_mode = "host";
  EXPECT_EQ(normalized(spec).spec.config.hostname, trim(read_file("/proc/sys/kernel/hostname")));
}

TEST(NormalizeTest, WarnsOfPortsThatTheHostsNetworkDiscards) {
  Spec spec;
  spec.host.network_mode = "host";
  spec.host.port_bindings["80/tcp"].emplace().push_back({"", "8080"});
  Normalized result = normalized(spec);
  EXPECT_THAT(result.warnings, ElementsAre("Published ports are discarded when using host network mode"));
  EXPECT_TRUE(plan_ports(result.spec).empty());
}

TEST(NormalizeTest, DoublesMemoryForSwap) {
  if (!linux::limit_support().swap) GTEST_SKIP() << "this kernel does not account swap";
  Spec spec;
  spec.host.memory = 64 << 20;
  EXPECT_EQ(normalized(spec).spec.host.memory_swap, 128 << 20);
}

TEST(NormalizeTest, ValidatesResourcesOfAnUpdateAlone) {
  HostConfig host;
  std::vector<std::string> warnings;
  host.memory = 1024;
  EXPECT_EQ(refusal([&] { validate_resources(host, warnings); }), "Minimum memory limit allowed is 6MB");
  host.memory = 0;
  host.pids_limit = -1;  // "no limit any more": kept, for the update has to say it to the kernel
  validate_resources(host, warnings);
  EXPECT_EQ(host.pids_limit, -1);
}

TEST(MachineFactsTest, ParsesNumberLists) {
  EXPECT_THAT(parse_number_list("0-2,5"), ElementsAre(0, 1, 2, 5));
  EXPECT_THAT(parse_number_list("3,1,1"), ElementsAre(1, 3));
  EXPECT_THAT(parse_number_list(""), ElementsAre());
  for (const char* bad : {"a", "1-", "-1", "2-1", "1,,2", "99999999999", "0-99999999"})
    EXPECT_THROW(parse_number_list(bad), Error) << bad;
}

}  // namespace
}  // namespace hull::container
