// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "oci/json.h"

namespace hull::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

CheckInput input() {
  CheckInput out;
  out.platforms.build =
      out.platforms.target = {.architecture = "amd64", .os = "linux", .os_version = {}, .variant = {}};
  return out;
}

// The warnings as builds print them.
std::vector<std::string> warnings(std::string_view text, const CheckInput& with = input()) {
  const CheckResult result = check(text, with);
  std::vector<std::string> out;
  for (const Warning& warning : result.warnings) out.push_back(format_short(warning));
  if (result.error) out.push_back(cat("error: ", result.error->reason()));
  return out;
}

TEST(Lint, RulesSeenInSingleLines) {
  EXPECT_THAT(warnings("FROM scratch AS Build"),
              ElementsAre("StageNameCasing: Stage name 'Build' should be lowercase (line 1)"));
  EXPECT_THAT(warnings("FROM scratch as b"),
              ElementsAre("FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)"));
  EXPECT_THAT(warnings("FROM scratch\nRUN a \\\n\n b"),
              ElementsAre("NoEmptyContinuation: Empty continuation line (line 4)"));
  EXPECT_THAT(warnings("FROM scratch\nrun x\nRUN y"),
              ElementsAre("ConsistentInstructionCasing: Command 'run' should match the case of the command majority "
                          "(uppercase) (line 2)"));
  EXPECT_THAT(
      warnings("FROM scratch\nMAINTAINER me"),
      ElementsAre("MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)"));
  EXPECT_THAT(
      warnings("FROM scratch\nENV a b\nLABEL c d"),
      ElementsAre("LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" "
                  "format (line 2)",
                  "LegacyKeyValueFormat: \"LABEL key=value\" should be used instead of legacy \"LABEL key value\" "
                  "format (line 3)"));
  EXPECT_THAT(warnings("FROM scratch\nENV API_KEY=1 PUBLIC_KEY=2 KEYBOARD=3\nARG DB_password"),
              ElementsAre("SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV "
                          "\"API_KEY\") (line 2)",
                          "SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG "
                          "\"DB_password\") (line 3)"));
  EXPECT_THAT(
      warnings("FROM scratch\nEXPOSE 80/TCP 8080:80"),
      ElementsAre("ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase (line 2)",
                  "ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, "
                  "found '8080:80' (line 2)"));
}

TEST(Lint, RulesAboutStages) {
  EXPECT_THAT(
      warnings("FROM scratch AS a\nFROM scratch AS a\nFROM scratch AS context"),
      ElementsAre("DuplicateStageName: Duplicate stage name \"a\", stage names should be unique (line 2)",
                  "ReservedStageName: Stage name should not use the same name as reserved stage \"context\" (line 3)"));
  EXPECT_THAT(warnings("ARG TAG\nARG BASE=debian:\nFROM $BASE$TAG"),
              ElementsAre("InvalidDefaultArgInFrom: Default value for ARG $BASE$TAG results in empty or invalid base "
                          "image name (line 3)",
                          "error: failed to parse stage name \"debian:\": invalid reference format"));
  EXPECT_THAT(
      warnings("ARG VERSION=1\nFROM debian:${VERSOIN:-12}"),
      ElementsAre("UndefinedArgInFrom: FROM argument 'VERSOIN' is not declared (did you mean VERSION?) (line 2)"));
  EXPECT_THAT(
      warnings("FROM --platform=$TARGETPLATFORM debian"),
      ElementsAre("RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant "
                  "as this is the default behavior (line 1)"));
  EXPECT_THAT(warnings("FROM --platform=linux/arm64 debian\nFROM --platform=linux/arm64 debian AS for-arm64"),
              ElementsAre("FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "
                          "\"linux/arm64\" (line 1)"));
}

TEST(Lint, RulesThatFollowAStage) {
  EXPECT_THAT(warnings("FROM debian\nENV PATH=$PAHT:/x\nCOPY $nothing /\nARG d\nRUN echo $unset\nLABEL l=$d"),
              ElementsAre("UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?) (line 2)",
                          "UndefinedVar: Usage of undefined variable '$nothing' (line 3)"));
  EXPECT_THAT(warnings("FROM debian AS a\nWORKDIR x\nWORKDIR y\nFROM a\nWORKDIR z"),
              ElementsAre("WorkdirRelativePath: Relative workdir \"x\" can have unexpected results if the base image "
                          "changes (line 2)"));
  EXPECT_THAT(warnings("FROM debian\nCMD a\nSHELL [\"bash\", \"-c\"]\nENTRYPOINT b"),
              ElementsAre("JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior "
                          "related to OS signals (line 2)"));
  EXPECT_THAT(warnings("FROM debian\nCMD [\"a\"]\nRUN b\nCMD [\"c\"]"),
              ElementsAre("MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same "
                          "stage because only the last one will be used (line 2)"));
}

TEST(Lint, RulesAboutTheContextAndBaseImages) {
  const IgnoreRules ignore = IgnoreRules::parse("*.log\nout");
  CheckInput with = input();
  with.ignore = &ignore;
  EXPECT_THAT(
      warnings("FROM scratch\nCOPY a.log ./out/x b /\nADD out /\nCOPY --from=debian out /", with),
      ElementsAre("CopyIgnoredFile: Attempting to Copy file \"a.log\" that is excluded by .dockerignore (line 2)",
                  "CopyIgnoredFile: Attempting to Copy file \"out/x\" that is excluded by .dockerignore (line 2)",
                  "CopyIgnoredFile: Attempting to Add file \"out\" that is excluded by .dockerignore (line 3)"));
  const IgnoreRules exceptions = IgnoreRules::parse("*\n!b");
  with.ignore = &exceptions;
  EXPECT_THAT(warnings("FROM scratch\nCOPY a /", with), IsEmpty());
  with = input();
  with.base_image = [](const std::string& name, const oci::Platform&) {
    if (name == "missing") fail(Kind::kNotFound, "no such image");
    BaseImage image;
    image.platform = {.architecture = "arm64", .os = "linux", .os_version = {}, .variant = {}};
    image.env = {"FROM_BASE=1"};
    image.on_build = {"LABEL l=$FROM_BASE$NOT"};
    return image;
  };
  EXPECT_THAT(
      warnings("FROM debian\nUSER $FROM_BASE", with),
      ElementsAre("InvalidBaseImagePlatform: Base image debian was pulled with platform \"linux/arm64\", expected "
                  "\"linux/amd64\" for current build (line 1)",
                  "UndefinedVar: Usage of undefined variable '$NOT' (line 1)"));
  EXPECT_THAT(warnings("FROM missing", with), ElementsAre("error: missing: no such image"));
}

TEST(Lint, SwitchingRulesOffAndOn) {
  const std::string_view bad = "FROM scratch AS Build\nMAINTAINER me\n";
  EXPECT_THAT(warnings(cat("# check=skip=all\n", bad)), IsEmpty());
  EXPECT_THAT(
      warnings(cat("# check=skip=StageNameCasing\n", bad)),
      ElementsAre("MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 3)"));
  EXPECT_THAT(warnings("FROM scratch AS b\n# check=skip=MaintainerDeprecated\nMAINTAINER me\n"), IsEmpty());
  EXPECT_EQ(warnings(cat("# check=error=true\n", bad)).back(),
            "error: lint violation found for rules: MaintainerDeprecated, StageNameCasing");
  CheckInput with = input();
  with.arguments["BUILDKIT_DOCKERFILE_CHECK"] = "skip=MaintainerDeprecated";
  EXPECT_THAT(warnings(cat("# check=skip=all\n", bad), with),
              ElementsAre("StageNameCasing: Stage name 'Build' should be lowercase (line 2)"));
  EXPECT_THAT(
      warnings("# check=experimental=InvalidDefinitionDescription\n# stuff\nFROM scratch AS b\n# A is\nARG A"),
      ElementsAre("InvalidDefinitionDescription: Comment for FROM should follow the format: `# b <description>` "
                  "(line 3)"));
  EXPECT_THAT(warnings("# check=skp=x\nFROM scratch"),
              ElementsAre("error: failed to parse check options: invalid check option \"skp\" (did you mean skip?)"));
}

TEST(Lint, ErrorsComeWithTheWarningsBeforeThem) {
  EXPECT_THAT(warnings("FROM scratch AS Build\nBADCMD"),
              ElementsAre("StageNameCasing: Stage name 'Build' should be lowercase (line 1)",
                          "error: unknown instruction: BADCMD"));
  EXPECT_THAT(warnings("FROM scratch AS a\nCOPY --from=b x y\nFROM scratch AS b"),
              ElementsAre("error: cannot copy from stage \"b\", it needs to be defined before current stage \"a\""));
  CheckInput with = input();
  with.target = "a";
  EXPECT_THAT(warnings("FROM debian AS a\nFROM debian\nWORKDIR x", with), IsEmpty());
  with.target = "aa";
  EXPECT_THAT(warnings("FROM debian AS a", with),
              ElementsAre("error: target stage \"aa\" could not be found (did you mean a?)"));
}

TEST(Lint, EveryRuleIsDescribed) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kRuleCount; ++i) {
    const RuleInfo& rule = info(static_cast<Rule>(i));
    EXPECT_TRUE(names.insert(rule.name).second);
    EXPECT_FALSE(rule.description.empty());
  }
  EXPECT_EQ(info(Rule::kExposeInvalidFormat).name, "ExposeInvalidFormat");
  EXPECT_EQ(info(Rule::kJsonArgsRecommended).url, "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/");
}

TEST(Lint, OutputForPeopleAndPrograms) {
  const std::string_view text = "FROM scratch AS Build\nCOPY a b\n";
  EXPECT_EQ(format_check(check(text, input()), text, "Dockerfile"),
            "Check complete, 1 warning has been found!\n"
            "\n"
            "WARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/\n"
            "Stage name 'Build' should be lowercase\n"
            "Dockerfile:1\n"
            "--------------------\n"
            "   1 | >>> FROM scratch AS Build\n"
            "   2 |     COPY a b\n"
            "   3 |     \n"
            "--------------------\n");
  EXPECT_EQ(format_check(check("FROM scratch\n", input()), "FROM scratch\n", "Dockerfile"),
            "Check complete, no warnings found.\n");
  const Json json = parse_json(format_json(check(text, input()), text, "Dockerfile"));
  EXPECT_EQ(json["warnings"][0]["ruleName"], "StageNameCasing");
  EXPECT_EQ(json["warnings"][0]["location"]["ranges"][0]["start"]["line"], 1);
  EXPECT_EQ(json["sources"][0]["data"], "RlJPTSBzY3JhdGNoIEFTIEJ1aWxkCkNPUFkgYSBiCg==");
  EXPECT_FALSE(json.contains("buildError"));
}

}  // namespace
}  // namespace hull::dockerfile
