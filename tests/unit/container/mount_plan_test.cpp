// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "base/file.h"
#include "container/mount_syntax.h"
#include "container/normalize.h"
#include "spec_builder.h"

namespace hull::container {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

StatePtr nobody(std::string_view name) { fail(Kind::kNotFound, "No such container: ", name); }

std::vector<MountPlan> plan(const Spec& spec) { return plan_mounts(spec, "/data", nobody); }

TEST(BindSyntaxTest, ReadsBindsAndVolumes) {
  MountPlan bind = parse_bind("/srv//x/:/data/:ro,rslave", "");
  EXPECT_EQ(bind.point.type, "bind");
  EXPECT_EQ(bind.point.source, "/srv/x");
  EXPECT_EQ(bind.point.destination, "/data");
  EXPECT_EQ(bind.point.propagation, "rslave");
  EXPECT_EQ(bind.point.mode, "ro,rslave");
  EXPECT_FALSE(bind.point.rw);
  EXPECT_TRUE(bind.create_source);
  EXPECT_EQ(parse_bind("/a:/b", "").point.propagation, "rprivate");

  MountPlan named = parse_bind("db:/data:nocopy", "");
  EXPECT_EQ(named.point.type, "volume");
  EXPECT_EQ(named.point.name, "db");
  EXPECT_EQ(named.point.driver, "local");
  EXPECT_TRUE(named.no_copy);
  EXPECT_EQ(parse_bind("db:/data", "").point.mode, "z");

  MountPlan anonymous = parse_bind("/data", "");
  EXPECT_TRUE(anonymous.anonymous);
  EXPECT_EQ(anonymous.point.name, "");
}

TEST(BindSyntaxTest, RefusesTheRest) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "invalid volume specification: ''"},
      {"/a:ro", "invalid volume specification: '/a:ro'"},
      {"/a:/b:ro:x", "invalid volume specification: '/a:/b:ro:x'"},
      {"/a:/b:ro,rw", "invalid mode: ro,rw"},
      {"/a:/b:huh", "invalid mode: huh"},
      {"/a:b", "invalid volume specification: '/a:b': invalid mount path: 'b' mount path must be absolute"},
      {"/a:/", "invalid volume specification: '/a:/': invalid specification: destination can't be '/'"},
      {"v:/b:rshared",
       "invalid volume specification: 'v:/b:rshared': invalid mount config for type \"volume\": field "
       "BindOptions must not be specified"},
      {"v:/b", "volume name is too short, names should be at least two alphanumeric characters"},
      {"a b:/b",
       "\"a b\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are "
       "allowed. If you intended to pass a host directory, use absolute path"},
  };
  for (auto [text, message] : kCases) EXPECT_EQ(refusal([&] { parse_bind(text, ""); }), message) << text;
}

struct ApiCase {
  const char* name;
  std::function<void(MountSpec&)> edit;
  std::string message;
};
TEST(ApiMountTest, RefusesWhatDoesNotFit) {
  const std::string kBind = "invalid mount config for type \"bind\": ";
  const std::string kVolume = "invalid mount config for type \"volume\": ";
  const std::string kTmpfs = "invalid mount config for type \"tmpfs\": ";
  const ApiCase kCases[] = {
      {"target", [](MountSpec& m) { m.target = ""; }, kBind + "field Target must not be empty"},
      {"root", [](MountSpec& m) { m.target = "/a/.."; }, kBind + "invalid specification: destination can't be '/'"},
      {"relative", [](MountSpec& m) { m.target = "a"; }, kBind + "invalid mount path: 'a' mount path must be absolute"},
      {"source", [](MountSpec& m) { m.source = ""; }, kBind + "field Source must not be empty"},
      {"missing", [](MountSpec& m) { m.source = "/no/such"; }, kBind + "bind source path does not exist: /no/such"},
      {"propagation", [](MountSpec& m) { m.bind_options.emplace().propagation = "ro"; },
       kBind + "invalid propagation mode: ro"},
      {"volume options", [](MountSpec& m) { m.volume_options.emplace(); },
       kBind + "field VolumeOptions must not be specified"},
      {"bind options", [](MountSpec& m) { m.type = "volume", m.source = "vol", m.bind_options.emplace(); },
       kVolume + "field BindOptions must not be specified"},
      {"anonymous read-only", [](MountSpec& m) { m.type = "volume", m.source = "", m.read_only = true; },
       kVolume + "must not set ReadOnly mode when using anonymous volumes"},
      {"anonymous subpath",
       [](MountSpec& m) { m.type = "volume", m.source = "", m.volume_options.emplace().subpath = "a"; },
       kVolume + "must not set Subpath when using anonymous volumes"},
      {"subpath",
       [](MountSpec& m) { m.type = "volume", m.source = "vol", m.volume_options.emplace().subpath = "a/../../b"; },
       kVolume + "subpath must be a relative path within the volume"},
      {"tmpfs source", [](MountSpec& m) { m.type = "tmpfs"; }, kTmpfs + "field Source must not be specified"},
      {"tmpfs option",
       [](MountSpec& m) { m.type = "tmpfs", m.source = "", m.tmpfs_options.emplace().options = {{"ro"}}; },
       kTmpfs + "invalid option: ro"},
      {"type", [](MountSpec& m) { m.type = "npipe"; }, "invalid mount config for type \"npipe\": mount type unknown"},
  };
  for (const ApiCase& test : kCases) {
    MountSpec mount;
    mount.type = "bind";
    mount.source = "/tmp";
    mount.target = "/t";
    test.edit(mount);
    EXPECT_EQ(refusal([&] { plan_of(mount); }), test.message) << test.name;
  }
}

TEST(MountPlanTest, PutsEverythingTogetherOnce) {
  Spec spec;
  spec.host.binds = Strings{"/srv:/data", "vol:/vol"};
  spec.host.tmpfs["/run"] = "";
  spec.config.volumes = {{"/data/", {}}, {"/cache", {}}, {"/run", {}}};
  Strings targets;
  for (const MountPlan& one : plan(spec)) targets.push_back(one.point.destination);
  EXPECT_THAT(targets, UnorderedElementsAre("/data", "/vol", "/cache"));
}

TEST(MountPlanTest, RefusesDuplicates) {
  Spec twice;
  twice.host.binds = Strings{"/srv:/data", "vol:/data/"};
  EXPECT_EQ(refusal([&] { plan(twice); }), "Duplicate mount point: /data");
  Spec with_tmpfs;
  with_tmpfs.host.binds = Strings{"/srv:/data"};
  with_tmpfs.host.tmpfs["/data"] = "";
  EXPECT_EQ(refusal([&] { plan(with_tmpfs); }), "Duplicate mount point: /data");
}

TEST(MountPlanTest, ChecksTmpfs) {
  for (auto [target, options, message] :
       {std::array{"run", "", "invalid mount path: 'run' mount path must be absolute"},
        std::array{"/", "", "invalid specification: destination can't be '/'"},
        std::array{"/run", "size=1m,huh", "Invalid tmpfs option \"huh\""}}) {
    Spec spec;
    spec.host.tmpfs[target] = options;
    EXPECT_EQ(refusal([&] { plan(spec); }), message);
  }
  EXPECT_THAT(tmpfs_options({"size=64m", "exec"}), ElementsAre("nosuid", "nodev", "size=64m", "exec"));
  EXPECT_THAT(tmpfs_options({"size=1m", "size=2m"}), ElementsAre("noexec", "nosuid", "nodev", "size=2m"));
}

TEST(MountPlanTest, TakesTheMountsOfAnotherContainer) {
  State donor;
  donor.spec = std::make_shared<Spec>();
  MountPoint volume;
  volume.type = "volume";
  volume.name = "vol";
  volume.destination = "/vol";
  MountPoint data = volume;
  data.destination = "/data";
  donor.mounts = {volume, data};
  auto shared = std::make_shared<const State>(donor);
  Spec spec;
  spec.host.volumes_from = Strings{"donor:ro"};
  spec.host.binds = Strings{"/srv:/data"};
  auto plans = plan_mounts(spec, "/data", [&](std::string_view) { return shared; });
  ASSERT_EQ(plans.size(), 2U);
  EXPECT_EQ(plans[0].point.name, "vol");
  EXPECT_FALSE(plans[0].point.rw);
  EXPECT_TRUE(plans[0].no_copy);
  EXPECT_EQ(plans[1].point.source, "/srv");
  // Not a 404: that would send the client to pull the image.
  EXPECT_EQ(refusal([&] { plan(spec); }), "No such container: donor");
  spec.host.volumes_from = Strings{"donor:nocopy"};
  EXPECT_EQ(refusal([&] { plan(spec); }), "invalid mode: nocopy");
}

TEST(MountPlanTest, WhatHasTheDataRootInItFollowsIt) {
  Spec spec;
  for (const char* bind : {"/:/x", "/data:/x", "/data/volumes:/x", "/:/x:rslave"}) {
    spec.host.binds = Strings{bind};
    EXPECT_EQ(plan(spec)[0].point.propagation, "rslave") << bind;
  }
  spec.host.binds = Strings{"/data:/x:rshared"};
  EXPECT_EQ(plan(spec)[0].point.propagation, "rshared");
  // Of another container's it is what that one has asked for.
  State donor;
  donor.id = "d1";
  donor.mounts = {plan(spec)[0].point};
  Spec taker;
  taker.host.volumes_from = Strings{"d1"};
  auto taken = plan_mounts(taker, "/data", [&](std::string_view) { return std::make_shared<const State>(donor); });
  EXPECT_EQ(taken[0].point.propagation, "rshared");
  spec.host.binds = Strings{"/database:/x"};
  EXPECT_EQ(plan(spec)[0].point.propagation, "rprivate");
  for (const char* bind : {"/:/x:rprivate", "/data/x:/x:slave", "/data:/x:shared"}) {
    spec.host.binds = Strings{bind};
    EXPECT_NE(refusal([&] { plan(spec); }).find("must use either propagation mode \"rslave\" or \"rshared\""),
              std::string::npos)
        << bind;
  }
}

}  // namespace
}  // namespace hull::container
