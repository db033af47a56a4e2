// SPDX-License-Identifier: Apache-2.0
#include "container/defaults.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "linux/cgroup.h"

namespace hull::container {
namespace {

std::string refusal(const std::string& name, const Defaults& defaults) {
  try {
    find_runtime(name, defaults);
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
    return e.message();
  }
}

TEST(FindRuntime, OwnNamesHaveNoProgram) {
  for (const char* name : {"hull", "runc", "io.containerd.runc.v2"}) EXPECT_EQ(find_runtime(name, {}).path, "");
}

TEST(FindRuntime, ConfiguredOnesHaveTheirs) {
  Defaults defaults;
  defaults.other_runtimes = {{"abs", {"/opt/crun", {"--debug"}, ""}}, {"name", {"sh", {}, ""}}};
  EXPECT_EQ(find_runtime("abs", defaults).path, "/opt/crun");
  EXPECT_EQ(find_runtime("abs", defaults).arguments, Strings{"--debug"});
  EXPECT_TRUE(find_runtime("name", defaults).path.ends_with("/sh"));
}

TEST(FindRuntime, TheTypeOfContainerdThatEverybodyHasIsHullsOwn) {
  Defaults defaults;
  defaults.other_runtimes = {{"typed", {"", {}, "io.containerd.runc.v2"}}};
  EXPECT_EQ(find_runtime("typed", defaults).path, "");
}

TEST(FindRuntime, OthersAreRefused) {
  Defaults defaults;
  defaults.other_runtimes = {{"typed", {"", {}, "io.containerd.kata.v2"}}, {"missing", {"no-such-program", {}, ""}}};
  EXPECT_EQ(refusal("kata", defaults), "unknown or invalid runtime name: kata");
  EXPECT_NE(refusal("typed", defaults).find("give its path"), std::string::npos);
  EXPECT_NE(refusal("missing", defaults).find("no-such-program"), std::string::npos);
}

TEST(ApplyDefaults, WhatIsPrivilegedSeesTheHostsControlGroupsOfVersion1) {
  Defaults defaults;
  defaults.cgroupns_mode = "private";
  auto mode = [&](bool privileged, const std::string& asked) {
    Spec spec;
    spec.host.privileged = privileged;
    spec.host.cgroupns_mode = asked;
    apply_defaults(spec, defaults);
    return spec.host.cgroupns_mode;
  };
  bool unified = linux::cgroup_facts().version == linux::CgroupVersion::kV2;
  EXPECT_EQ(mode(false, ""), "private");
  EXPECT_EQ(mode(true, ""), unified ? "private" : "host");
  EXPECT_EQ(mode(true, "private"), "private");
}

}  // namespace
}  // namespace hull::container
