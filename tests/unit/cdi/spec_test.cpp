// SPDX-License-Identifier: Apache-2.0
#include "cdi/spec.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"

namespace hull::cdi {
namespace {

std::string refusal(std::string_view text) {
  try {
    parse_spec(text, false);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
    return e.message();
  }
  return "";
}

std::string with(std::string_view version, std::string_view kind, std::string_view device, std::string_view edits) {
  return cat(R"({"cdiVersion":")", version, R"(","kind":")", kind, R"(","devices":[{"name":")", device,
             R"(","containerEdits":)", edits, "}]}");
}

constexpr std::string_view kPlain = R"({"env":["A=1"]})";

TEST(CdiSpec, ReadsEveryField) {
  Spec spec =
      parse_spec(R"({"cdiVersion":"1.1.0","kind":"a.com/b","annotations":{"x":"y"},"containerEdits":{"env":["E=1"]},
    "devices":[{"name":"0","containerEdits":{
      "deviceNodes":[{"path":"/dev/a","hostPath":"/dev/b","type":"c","major":1,"minor":2,"fileMode":432,"permissions":"rw","uid":3,"gid":4}],
      "netDevices":[{"hostInterfaceName":"eth9","name":"eth1"}],
      "mounts":[{"hostPath":"/h","containerPath":"/c","type":"bind","options":["ro"]}],
      "hooks":[{"hookName":"createContainer","path":"/p","args":["p","q"],"env":["X=1"],"timeout":5}],
      "intelRdt":{"closID":"id"},"additionalGids":[5]}}]})",
                 false);
  ASSERT_EQ(spec.devices.size(), 1u);
  const ContainerEdits& edits = spec.devices[0].edits;
  EXPECT_EQ(spec.edits.env.front(), "E=1");
  EXPECT_EQ(edits.device_nodes[0].host_path, "/dev/b");
  EXPECT_EQ(edits.device_nodes[0].file_mode, 0660u);
  EXPECT_EQ(edits.net_devices[0].host_interface, "eth9");
  EXPECT_EQ(edits.mounts[0].container_path, "/c");
  EXPECT_EQ(edits.hooks[0].timeout, 5);
  EXPECT_EQ(edits.intel_rdt->class_id, "id");
  EXPECT_EQ(edits.additional_gids[0], 5u);
}

TEST(CdiSpec, RefusesWhatIsWrong) {
  EXPECT_EQ(refusal(with("0.6.0", "a.com/b", "0", kPlain)), "");
  EXPECT_EQ(refusal(with("9.0.0", "a.com/b", "x", kPlain)), "invalid version \"9.0.0\"");
  EXPECT_EQ(refusal(with("0.9.0", "a.com/b", "x", kPlain)), "invalid version \"0.9.0\"");
  EXPECT_EQ(refusal(with("0.3.0", "a.com", "x", kPlain)), "invalid kind \"a.com\": it should be vendor.com/class");
  EXPECT_EQ(refusal(with("0.3.0", "a.com/b", "-x", kPlain)), "invalid device name \"-x\"");
  EXPECT_EQ(refusal(with("0.3.0", "a.com/b", "x", "{}")), "invalid device \"x\", empty device edits");
  EXPECT_EQ(refusal(R"({"cdiVersion":"0.3.0","kind":"a.com/b","devices":[]})"), "invalid spec, no devices");
  EXPECT_NE(refusal(with("0.3.0", "a.com/b", "x", R"({"env":["=1"]})")).find("invalid environment variable"),
            std::string::npos);
  EXPECT_NE(refusal(with("0.3.0", "a.com/b", "x", R"({"hooks":[{"hookName":"later","path":"/x"}]})"))
                .find("invalid hook name \"later\""),
            std::string::npos);
  EXPECT_NE(refusal(with("0.3.0", "a.com/b", "x", R"({"deviceNodes":[{"path":"/dev/x","permissions":"z"}]})"))
                .find("invalid permissions"),
            std::string::npos);
}

TEST(CdiSpec, WhatIsUsedNeedsItsVersion) {
  struct Case {
    std::string_view before, since, kind, device, edits;
  };
  for (const Case& one :
       {Case{"0.3.0", "0.4.0", "a.com/b", "x", R"({"mounts":[{"hostPath":"/h","containerPath":"/c","type":"tmpfs"}]})"},
        Case{"0.4.0", "0.5.0", "a.com/b", "x", R"({"deviceNodes":[{"path":"/a","hostPath":"/b"}]})"},
        Case{"0.4.0", "0.5.0", "a.com/b", "0", kPlain}, Case{"0.5.0", "0.6.0", "a.com/b.c", "x", kPlain},
        Case{"0.6.0", "0.7.0", "a.com/b", "x", R"({"additionalGids":[1]})"},
        Case{"1.0.0", "1.1.0", "a.com/b", "x", R"({"netDevices":[{"hostInterfaceName":"a","name":"b"}]})"}}) {
    EXPECT_EQ(refusal(with(one.before, one.kind, one.device, one.edits)),
              cat("the spec version must be at least v", one.since));
    EXPECT_EQ(refusal(with(one.since, one.kind, one.device, one.edits)), "");
  }
}

TEST(CdiSpec, QualifiedNames) {
  for (auto name : {"nvidia.com/gpu=0", "a/b=c", "vendor.com/class=dev:1.2-x_y"}) EXPECT_TRUE(is_qualified_name(name));
  for (auto name : {"", "gpu", "nvidia.com/gpu", "nvidia.com/gpu=", "/dev/x=1", "1a/b=c", "a/b=c=d"})
    EXPECT_FALSE(is_qualified_name(name)) << name;
}

}  // namespace
}  // namespace hull::cdi
