// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/outline.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "oci/json.h"

namespace hull::dockerfile {
namespace {

constexpr std::string_view kText =
    "# VERSION of the base\n"
    "ARG VERSION=12\n"
    "ARG UNUSED=1\n"
    "ARG BASE=debian:$VERSION\n"
    "# build compiles all\n"
    "FROM $BASE AS build\n"
    "ARG JOBS=2\n"
    "RUN --mount=type=secret,id=token,required --mount=type=ssh make -j$JOBS\n"
    "FROM scratch AS other\n"
    "ARG NOT_NEEDED\n"
    "# the result\n"
    "FROM scratch AS final\n"
    "COPY --from=build /out /\n";

const Platforms kPlatforms{{.architecture = "amd64", .os = "linux", .os_version = {}, .variant = {}},
                           {.architecture = "amd64", .os = "linux", .os_version = {}, .variant = {}}};

TEST(Outline, TargetsWithTheirDescriptions) {
  const auto targets = list_targets(parse(kText));
  EXPECT_EQ(format_targets(targets),
            "TARGET          DESCRIPTION\n"
            "build           compiles all\n"
            "other           \n"
            "final (default) \n");
  const Json json = parse_json(json_of_targets(targets, kText));
  EXPECT_EQ(json["targets"][0]["base"], "$BASE");
  EXPECT_EQ(json["targets"][2]["default"], true);
  EXPECT_EQ(json["targets"][2]["location"]["ranges"][0]["start"]["line"], 12);
}

TEST(Outline, WhatATargetIsMadeOf) {
  const Outline shown = outline(parse(kText), {{"JOBS", "8"}}, kPlatforms, "");
  EXPECT_EQ(format_outline(shown),
            "TARGET: final\n"
            "\n"
            "BUILD ARG   VALUE       DESCRIPTION\n"
            "VERSION     12          of the base\n"
            "BASE        debian:12   \n"
            "JOBS        8           \n"
            "\n"
            "SECRET   REQUIRED\n"
            "token    true\n"
            "\n"
            "SSH       REQUIRED\n"
            "default   \n"
            "\n");
  EXPECT_EQ(parse_json(json_of_outline(shown, kText))["args"][2]["value"], "8");
  EXPECT_EQ(outline(parse(kText), {}, kPlatforms, "other").arguments.at(0).name, "NOT_NEEDED");
  EXPECT_THROW(outline(parse(kText), {}, kPlatforms, "nobody"), Error);
}

}  // namespace
}  // namespace hull::dockerfile
