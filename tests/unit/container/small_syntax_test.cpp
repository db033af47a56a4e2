// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <csignal>
#include <set>

#include "container/capability_sets.h"
#include "container/normalize.h"
#include "container/path_text.h"
#include "container/security_options.h"
#include "spec_builder.h"

namespace hull::container {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

TEST(SignalTest, ReadsNamesAndNumbers) {
  const std::pair<const char*, int> kCases[] = {
      {"SIGTERM", SIGTERM}, {"term", SIGTERM}, {"15", 15},         {"KILL", 9},     {"sigusr1", SIGUSR1},
      {"RTMIN", 34},        {"64", 64},        {"SIGRTMIN+3", 37}, {"RTMAX-1", 63}, {"WINCH", SIGWINCH}};
  for (auto [text, number] : kCases) EXPECT_EQ(parse_signal(text), number) << text;
  for (const char* bad : {"0", "", "SIG", "65", "-1", "FOO", "RTMIN+31", "RTMAX+1", "15 "})
    EXPECT_EQ(refusal([&] { parse_signal(bad); }), cat("invalid signal: ", bad));
}

TEST(DetachKeysTest, ReadsSequences) {
  EXPECT_EQ(parse_detach_keys(""), "");
  EXPECT_EQ(parse_detach_keys("ctrl-p,ctrl-q"), "\x10\x11");
  EXPECT_EQ(parse_detach_keys("a,ctrl-@"), std::string("a\0", 2));
  EXPECT_EQ(parse_detach_keys("ctrl-_,ctrl-\\"), "\x1f\x1c");
  for (const char* bad : {"ctrl-", "ctrl-A", "ab", "a,,b", "ctrl-pp"})
    EXPECT_EQ(refusal([&] { parse_detach_keys(bad); }), cat("Invalid detach keys (", bad, ") provided"));
}

TEST(NameTest, ChecksNames) {
  EXPECT_EQ(checked_name("/web_1.x-y"), "web_1.x-y");
  EXPECT_EQ(checked_name("ab"), "ab");
  for (const char* bad : {"a", "", "_ab", "a b", "a/b", "-ab", "é1"})
    EXPECT_EQ(refusal([&] { checked_name(bad); }),
              cat("Invalid container name (", bad, "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"));
}

TEST(NameTest, GeneratesNamesUntilTheShortId) {
  std::set<std::string> tried;
  std::string name = generate_name(kTestId, [&](const std::string& candidate) {
    EXPECT_EQ(checked_name(candidate), candidate);
    return tried.insert(candidate).second;
  });
  EXPECT_TRUE(name == "0123456789ab" || tried.contains(name));
  EXPECT_EQ(generate_name(kTestId, [](const std::string&) { return true; }), "0123456789ab");
  EXPECT_THAT(generate_name(kTestId, [](const std::string&) { return false; }), ::testing::HasSubstr("_"));
}

TEST(PathTest, Cleans) {
  const std::pair<const char*, const char*> kCases[] = {
      {"//a/./b/../c/", "/a/c"}, {"/", "/"},      {"/..", "/"}, {"", "."}, {"a/..", "."},
      {"../a", "../a"},          {"a//b/", "a/b"}};
  for (auto [path, clean] : kCases) EXPECT_EQ(clean_path(path), clean) << path;
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_FALSE(is_within("/ab", "/a"));
}

TEST(CapabilitiesTest, AddsAndDrops) {
  HostConfig host;
  Strings usual = container_capabilities(host);
  EXPECT_THAT(usual, Contains("CAP_CHOWN"));
  EXPECT_THAT(usual, Not(Contains("CAP_SYS_ADMIN")));
  host.cap_drop = Strings{"chown", "CAP_KILL"};
  EXPECT_EQ(container_capabilities(host).size(), usual.size() - 2);
  host.cap_drop = Strings{"ALL"};
  EXPECT_THAT(container_capabilities(host), ElementsAre());
  host.cap_add = Strings{"net_bind_service"};
  EXPECT_THAT(container_capabilities(host), ElementsAre("CAP_NET_BIND_SERVICE"));
  host.cap_add = Strings{"all"};
  host.cap_drop = Strings{"MKNOD"};
  EXPECT_EQ(container_capabilities(host).size(), all_capabilities().size() - 1);
  host.privileged = true;
  EXPECT_EQ(container_capabilities(host), all_capabilities());
}

TEST(SecurityOptionsTest, ReadsBothSeparatorsAndProfiles) {
  HostConfig host;
  host.security_opt =
      Strings{"no-new-privileges:true", "seccomp={\"a\":1}", "apparmor=mine", "label=disable", "writable-cgroups=1"};
  SecurityOptions options = parse_security_options(host);
  EXPECT_TRUE(options.no_new_privileges);
  EXPECT_TRUE(options.writable_cgroups);
  EXPECT_EQ(options.seccomp, "{\"a\":1}");
  EXPECT_EQ(options.apparmor, "mine");
  EXPECT_THAT(options.labels, ElementsAre("disable"));
  host.security_opt = Strings{"no-new-privileges", "no-new-privileges=false"};
  EXPECT_FALSE(parse_security_options(host).no_new_privileges);
}

Spec port_spec() {
  Spec spec;
  spec.host.network_mode = "bridge";
  return spec;
}

TEST(PortPlanTest, PublishesBindingsAndRanges) {
  Spec spec = port_spec();
  spec.host.port_bindings["80/tcp"] = std::vector<HostPort>{{"127.0.0.1", "8080"}, {"", "9000-9010"}};
  spec.host.port_bindings["53/udp"] = std::vector<HostPort>{{"::1", ""}};
  spec.host.port_bindings["99/tcp"] = std::nullopt;
  auto plan = plan_ports(spec);
  ASSERT_EQ(plan.size(), 3U);
  // Ports that somebody asked for by number come first: one of our choice must not take them.
  EXPECT_EQ(plan[0].host_ip, "127.0.0.1");
  EXPECT_EQ(plan[0].host_port, 8080);
  EXPECT_EQ(plan[0].host_port_end, 0);
  EXPECT_EQ(plan[1].host_port_end, 9010);
  EXPECT_EQ(plan[2].protocol, "udp");
  EXPECT_EQ(plan[2].container_port, 53);
  EXPECT_EQ(plan[2].host_port, 0);
}

TEST(PortPlanTest, PublishesWhatIsExposedOnlyWhenAsked) {
  Spec spec = port_spec();
  spec.config.exposed_ports = {{"80/tcp", {}}, {"81/tcp", {}}};
  spec.host.port_bindings["80/tcp"] = std::vector<HostPort>{{"", "8080"}};
  EXPECT_EQ(plan_ports(spec).size(), 1U);
  spec.host.publish_all_ports = true;
  auto plan = plan_ports(spec);
  ASSERT_EQ(plan.size(), 2U);
  EXPECT_EQ(plan[1].container_port, 81);
  EXPECT_EQ(plan[1].host_port, 0);
  spec.host.network_mode = "none";
  EXPECT_TRUE(plan_ports(spec).empty());
}

TEST(PortPlanTest, RefusesWhatIsNoPort) {
  for (auto [host_ip, host_port, message] :
       {std::array{"", "70000", "invalid port specification: \"70000\""},
        std::array{"", "9-8", "invalid port range: \"9-8\""},
        std::array{"1.2.3", "80", "invalid host IP address for port 80/tcp: \"1.2.3\""}}) {
    Spec spec = port_spec();
    spec.host.port_bindings["80/tcp"] = std::vector<HostPort>{{host_ip, host_port}};
    EXPECT_EQ(refusal([&] { plan_ports(spec); }), message);
  }
}

TEST(PortPlanTest, TreatsAnEmptyListAsOneFreePort) {
  Spec spec;
  spec.host.port_bindings["80"].emplace();
  Spec result = normalized(spec).spec;
  ASSERT_TRUE(result.host.port_bindings.contains("80/tcp"));
  EXPECT_EQ(plan_ports(result).size(), 1U);
}

}  // namespace
}  // namespace hull::container
