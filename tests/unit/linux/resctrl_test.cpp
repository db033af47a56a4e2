// SPDX-License-Identifier: Apache-2.0
#include "linux/resctrl.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "linux/number_list.h"

namespace hull::linux {
namespace {

// A tree of files like that of resctrl: the kernel makes the files of a group with its directory.
class Resctrl : public testing::Test {
 protected:
  void SetUp() override { write("schemata", "    L3:0=ff;1=ff\n    MB:0=100\n"); }

  void write(const std::string& name, const std::string& text) {
    write_all(open_file(root() + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0644).get(), text);
  }
  void make_group(const std::string& name, const std::string& schemata) {
    make_directories(root() + "/" + name);
    write(name + "/schemata", schemata);
    write(name + "/tasks", "");
  }
  std::string text(const std::string& name) { return read_file(root() + "/" + name); }
  const std::string& root() const { return directory_.path(); }

 private:
  TempDir directory_;
};

template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const Error& e) {
    return e.message();
  }
  return {};
}

TEST_F(Resctrl, AClassThatIsThereIsJoinedWhenItsSchemataAreTheSame) {
  make_group("gold", "    L3:0=f;1=f\n    MB:0=100\n");
  oci::IntelRdt config;
  config.class_id = "gold";
  config.l3_cache_schema = "L3:0=f;1=f";
  ResctrlGroup group(config, "box", root());
  group.create();
  group.add(4711);
  EXPECT_EQ(text("gold/tasks"), "4711");
  EXPECT_EQ(group.present_schemata(), (std::vector<std::string>{"L3:0=f;1=f", "MB:0=100"}));
  group.remove();
  EXPECT_TRUE(exists(root() + "/gold")) << "a class with a name may be somebody else's";
  config.l3_cache_schema = "L3:0=3";
  EXPECT_NE(refusal([&] { ResctrlGroup(config, "box", root()).create(); }).find("other schemata"), std::string::npos);
}

TEST_F(Resctrl, AGroupOfTheContainerIsMadeAndRemoved) {
  oci::IntelRdt config;
  ResctrlGroup group(config, "box", root());
  group.create();
  EXPECT_TRUE(exists(root() + "/box"));
  group.remove();
  EXPECT_FALSE(exists(root() + "/box"));
  group.remove();
}

TEST_F(Resctrl, SchemataOfTheListCountMoreThanTheOldFields) {
  make_group("box", "L3:0=ff\n");
  oci::IntelRdt config;
  config.schemata = {"L3:0=f", "MB:0=50"};
  config.l3_cache_schema = "L3:0=1";
  ResctrlGroup(config, "box", root()).update();
  EXPECT_EQ(text("box/schemata").substr(0, 15), "L3:0=f\nMB:0=50\n");
}

TEST_F(Resctrl, AMonitoringGroupIsBelowTheClass) {
  make_group("gold", "");
  make_directories(root() + "/gold/mon_groups");
  oci::IntelRdt config;
  config.class_id = "gold";
  config.enable_monitoring = true;
  ResctrlGroup group(config, "box", root());
  group.create();
  EXPECT_TRUE(exists(root() + "/gold/mon_groups/box"));
  group.remove();
  EXPECT_FALSE(exists(root() + "/gold/mon_groups/box"));
}

TEST_F(Resctrl, WhatIsNoNameOfAClassIsRefused) {
  oci::IntelRdt config;
  for (const char* name : {"..", "a/b", "a\nb"}) {
    config.class_id = name;
    EXPECT_NE(refusal([&] { ResctrlGroup(config, "box", root()); }).find("linux.intelRdt.closID"), std::string::npos);
  }
  config.class_id = "x";
  EXPECT_NE(refusal([&] { ResctrlGroup(config, "box", "/no/such").create(); }).find("not mounted"), std::string::npos);
}

TEST(NumberList, RangesAndNumbers) {
  EXPECT_EQ(parse_number_list("0-2,7", "x"), (std::vector<unsigned>{0, 1, 2, 7}));
  EXPECT_EQ(parse_number_list("5", "x"), std::vector<unsigned>{5});
  for (const char* bad : {"", "a", "3-1", "1-", "-1", "1,,2", "99999"})
    EXPECT_NE(refusal([&] { parse_number_list(bad, "the field"); }).find("the field"), std::string::npos) << bad;
}

}  // namespace
}  // namespace hull::linux
