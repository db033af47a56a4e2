// SPDX-License-Identifier: Apache-2.0
#include "linux/unit_property.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "linux/dbus.h"

using namespace hull;
using namespace hull::linux;

namespace {

// What goes out of it: the signature, and the bytes of the value.
std::pair<std::string, std::string> encoded(std::string_view name, std::string_view text) {
  UnitSetting setting = parse_unit_setting(name, text);
  DbusWriter out;
  setting.value(out);
  return {setting.signature, out.bytes()};
}

std::pair<std::string, std::string> number64(std::uint64_t value) {
  return {"t", DbusWriter().number64(value).bytes()};
}

}  // namespace

TEST(UnitProperty, ValuesHaveTheTypeOfTheirForm) {
  EXPECT_EQ(encoded("TimeoutStopUSec", "uint64 123456789"), number64(123456789));
  EXPECT_EQ(encoded("CollectMode", "'inactive-or-failed'"),
            std::pair(std::string("s"), DbusWriter().text("inactive-or-failed").bytes()));
  EXPECT_EQ(encoded("Description", R"("say \"it\"")"),
            std::pair(std::string("s"), DbusWriter().text("say \"it\"").bytes()));
  EXPECT_EQ(encoded("SendSIGHUP", "true"), std::pair(std::string("b"), DbusWriter().boolean(true).bytes()));
  EXPECT_EQ(encoded("KillSignal", " -3 ").second, DbusWriter().number32(static_cast<std::uint32_t>(-3)).bytes());
  EXPECT_EQ(encoded("KillSignal", "@u 0x10"), std::pair(std::string("u"), DbusWriter().number32(16).bytes()));
}

TEST(UnitProperty, ListsHaveTheTypeOfTheirFirst) {
  auto list = DbusWriter().array(4, [](DbusWriter& out) { out.text("a.service").text("b.service"); }).bytes();
  EXPECT_EQ(encoded("After", "['a.service', 'b.service']"), std::pair(std::string("as"), list));
  auto bytes = DbusWriter().array(1, [](DbusWriter& out) { out.byte(3).byte(255); }).bytes();
  EXPECT_EQ(encoded("AllowedCPUs", "[byte 0x3, 255]"), std::pair(std::string("ay"), bytes));
  EXPECT_EQ(encoded("After", "@as []").second, DbusWriter().array(4, [](DbusWriter&) {}).bytes());
}

TEST(UnitProperty, SecondsGoOutAsMicroseconds) {
  for (const char* text : {"90", "uint64 90", "90.0"}) {
    EXPECT_EQ(encoded("TimeoutStopSec", text), number64(90'000'000)) << text;
    EXPECT_EQ(parse_unit_setting("TimeoutStopSec", text).name, "TimeoutStopUSec");
  }
  EXPECT_EQ(encoded("RuntimeMaxSec", "1.25"), number64(1'250'000));
}

TEST(UnitProperty, WhatIsNoValueIsRefusedWithTheAnnotationsName) {
  for (auto [name, text] :
       std::initializer_list<std::pair<const char*, const char*>>{{"CollectMode", ""},
                                                                  {"CollectMode", "inactive"},
                                                                  {"CollectMode", "'open"},
                                                                  {"CollectMode", "'a' 'b'"},
                                                                  {"CollectMode", "[]"},
                                                                  {"CollectMode", "['a', 1]"},
                                                                  {"CollectMode", "['a' 'b']"},
                                                                  {"CollectMode", "[['a']]"},
                                                                  {"KillSignal", "4294967296"},
                                                                  {"KillSignal", "uint32 -1"},
                                                                  {"KillSignal", "1.5"},
                                                                  {"KillSignal", "@"},
                                                                  {"KillSignal", "@a 1"},
                                                                  {"TimeoutStopSec", "soon"},
                                                                  {"TimeoutStopSec", "-1"},
                                                                  {"X", "1"},
                                                                  {"Not-This", "1"},
                                                                  {"TimeoutStopSec", "99999999999999999999"},
                                                                  {"CollectMode", "["},
                                                                  {"CollectMode", "uint64"}})
    try {
      parse_unit_setting(name, text);
      ADD_FAILURE() << name << " " << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
      EXPECT_NE(std::string(e.what()).find(std::string("org.systemd.property.") + name), std::string::npos) << e.what();
    }
}

TEST(UnitProperty, LongNonsenseIsRefusedToo) {
  for (std::string_view part : {"[", "@t ", "uint64 ", "['a', ", "[byte "}) {
    std::string text;
    while (text.size() < 1 << 20) text += part;
    EXPECT_THROW(parse_unit_setting("CollectMode", text), Error) << part;
  }
}

TEST(UnitProperty, OnlyAnnotationsOfThatNameCount) {
  auto settings = unit_settings({{"org.systemd.property.CollectMode", "'inactive'"}, {"io.other", "x"}});
  ASSERT_EQ(settings.size(), 1U);
  EXPECT_EQ(settings[0].name, "CollectMode");
}
