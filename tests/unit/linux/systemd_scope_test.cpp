// SPDX-License-Identifier: Apache-2.0
#include "linux/systemd_scope.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "linux/dbus.h"

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

TEST(Dbus, MessagesComeBackAsTheyWere) {
  DbusMessage message;
  message.kind = DbusMessage::Kind::kSignal;
  message.serial = 7;
  message.reply_to = 5;
  message.path = "/org/freedesktop/systemd1";
  message.interface = "org.freedesktop.systemd1.Manager";
  message.member = "JobRemoved";
  message.signature = "uoss";
  message.body = DbusWriter().number32(12).text("/job/12").text("x.scope").text("done").bytes();
  std::string bytes = encode_dbus(message, "to.somebody");
  EXPECT_EQ(bytes.size(), dbus_size(std::string_view(bytes).substr(0, 16)));
  DbusMessage back = decode_dbus(bytes);
  EXPECT_EQ(back.kind, message.kind);
  EXPECT_EQ(back.member, "JobRemoved");
  EXPECT_EQ(back.reply_to, 5U);
  EXPECT_EQ(back.signature, "uoss");
  DbusReader body(back.body);
  EXPECT_EQ(body.number32(), 12U);
  EXPECT_EQ(body.text(), "/job/12");
  EXPECT_EQ(body.text(), "x.scope");
  EXPECT_EQ(body.text(), "done");
}

TEST(Dbus, DamagedMessagesAreRefused) {
  DbusMessage message;
  message.member = "Hello";
  message.signature = "s";
  message.body = DbusWriter().text("text").bytes();
  std::string bytes = encode_dbus(message, "");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(decode_dbus(bytes.substr(0, size)), Error) << size;
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      try {
        decode_dbus(damaged);
      } catch (const Error&) {
      }
    }
}

TEST(Dbus, ArraysCountTheirBytesWithoutPadding) {
  // The example of the specification: an array of one 64-bit number is aligned behind its length.
  std::string bytes = DbusWriter().array(8, [](DbusWriter& out) { out.number64(5); }).bytes();
  EXPECT_EQ(bytes, std::string("\x08\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0", 16));
}
