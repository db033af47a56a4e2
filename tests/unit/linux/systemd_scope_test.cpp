// SPDX-License-Identifier: Apache-2.0
#include "linux/systemd_scope.h"

#include <gtest/gtest.h>

#include "base/error.h"

using namespace hull;
using namespace hull::linux;

TEST(SystemdScope, PathsNameSliceAndUnit) {
  Scope scope = parse_scope("system.slice:hull:1234");
  EXPECT_EQ(scope.unit, "hull-1234.scope");
  EXPECT_EQ(scope_path(scope), "/system.slice/hull-1234.scope");
  EXPECT_EQ(scope_path(parse_scope(":hull:x")), "/system.slice/hull-x.scope");
  EXPECT_EQ(scope_path(parse_scope("a-b-c.slice::x")), "/a.slice/a-b.slice/a-b-c.slice/x.scope");
  EXPECT_EQ(scope_path(parse_scope("-.slice:hull:x")), "/hull-x.scope");
  for (const char* wrong : {"/hull/x", "a:b", "a.slice:b:", "nothing:b:c", "a--b.slice:b:c", "-a.slice:b:c",
                            "a-.slice:b:c", ".slice:b:c", "a/b.slice:c:d", "a.slice:b:c/d", "a.slice:b:c:d", ""})
    EXPECT_THROW(parse_scope(wrong), Error) << wrong;
}

TEST(SystemdScope, LimitsHaveSystemdsWords) {
  oci::Resources resources;
  resources.memory.emplace();
  resources.memory->limit = 64 << 20;
  resources.memory->swap = 96 << 20;
  resources.cpu.emplace();
  resources.cpu->shares = 1024;
  resources.cpu->quota = 50'005;
  resources.cpu->cpus = "0,2-3,9";
  resources.pids.emplace().limit = -1;
  std::vector<UnitProperty> wanted{{"MemoryMax", "t", 64 << 20, {}},
                                   {"MemorySwapMax", "t", 32 << 20, {}},
                                   {"CPUWeight", "t", 100, {}},
                                   {"CPUQuotaPerSecUSec", "t", 510'000, {}},
                                   {"AllowedCPUs", "ay", 0, std::string("\x0d\x02")},
                                   {"TasksMax", "t", ~std::uint64_t{0}, {}}};
  auto found = limit_properties(resources, true);
  wanted[2].number = found.at(2).number;  // the curve has its own test
  EXPECT_EQ(found, wanted);
  EXPECT_EQ(limit_properties(resources, false).at(1), (UnitProperty{"CPUShares", "t", 1024, {}}));
}

TEST(SystemdScope, DevicesAreNamedByNumberAndGroup) {
  const char* groups = "Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n  8 sd\n136 other\n";
  std::vector<oci::DeviceRule> rules{{false, "a", {}, {}, "rwm"},
                                     {true, "c", {}, {}, "m"},
                                     {true, "c", 1, 3, "rwm"},
                                     {true, "c", 136, {}, "rwm"},
                                     {true, "b", 8, {}, "r"}};
  EXPECT_EQ(
      device_properties(rules, groups),
      (std::vector<DeviceProperty>{{"char-*", "m"}, {"/dev/char/1:3", "rwm"}, {"char-pts", "rwm"}, {"block-sd", "r"}}));
  rules.push_back({true, "a", {}, {}, "rwm"});
  EXPECT_TRUE(device_properties(rules, groups).empty());
}
