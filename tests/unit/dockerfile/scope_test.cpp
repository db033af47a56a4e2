// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::dockerfile {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

const Platforms kPlatforms{{.architecture = "amd64", .os = "linux", .os_version = {}, .variant = {}},
                           {.architecture = "arm", .os = "linux", .os_version = {}, .variant = "v7"}};

// The last stage of a file, gone through to its end.
struct Resolved {
  Resolved(std::string_view text, BuildArguments given = {}, const std::vector<std::string>& base = {})
      : file(parse(text)), global(file, given, kPlatforms, ""), scope(global, base) {
    for (const Instruction& one : file.stages.back().instructions)
      instructions.push_back(scope.resolve(one, &undefined));
  }
  std::string last_label() const { return instructions.back().as<Label>()->labels.at(0).value; }

  Dockerfile file;
  GlobalScope global;
  StageScope scope;
  std::vector<Instruction> instructions;
  std::vector<UndefinedVariable> undefined;
};

std::string refusal(std::string_view text, BuildArguments given = {}) {
  try {
    Resolved resolved(text, std::move(given));
  } catch (const SourceError& error) {
    return cat(error.position().line, ":", error.position().column, " ", error.reason());
  }
  return "accepted";
}

TEST(Scope, GlobalArgumentsAreForFromAndMustBeDeclaredAgain) {
  const std::string text = "ARG V=1\nARG NAME=debian:$V\nFROM --platform=$TARGETPLATFORM $NAME\nLABEL l=$V\n";
  EXPECT_EQ(Resolved(text).last_label(), "");
  const Resolved plain(text);
  EXPECT_EQ(plain.global.resolve(plain.file.stages[0]).base, "debian:1");
  EXPECT_EQ(plain.global.resolve(plain.file.stages[0]).platform, "linux/arm/v7");
  const Resolved given(text, {{"V", "2"}});
  EXPECT_EQ(given.global.resolve(given.file.stages[0]).base, "debian:2");
  EXPECT_EQ(Resolved("ARG V=1\nFROM x\nARG V\nLABEL l=$V").last_label(), "1");
  EXPECT_EQ(Resolved("ARG V=1\nFROM x\nARG V=3\nLABEL l=$V").last_label(), "3");
  EXPECT_EQ(Resolved("ARG V=1\nFROM x\nARG V=3\nLABEL l=$V", {{"V", "4"}}).last_label(), "4");
  EXPECT_EQ(Resolved("FROM x\nLABEL l=$V", {{"V", "4"}}).last_label(), "");
}

TEST(Scope, PlatformArguments) {
  EXPECT_EQ(Resolved("FROM x AS s\nARG TARGETARCH TARGETVARIANT BUILDPLATFORM TARGETSTAGE TARGETOS\n"
                     "LABEL l=$TARGETARCH/$TARGETVARIANT/$BUILDPLATFORM/$TARGETSTAGE/$TARGETOS")
                .last_label(),
            "arm/v7/linux/amd64/s/linux");
  EXPECT_EQ(Resolved("FROM x\nLABEL l=$TARGETARCH").last_label(), "");
  EXPECT_EQ(Resolved("FROM x\nARG TARGETARCH\nLABEL l=$TARGETARCH", {{"TARGETARCH", "mine"}}).last_label(), "mine");
}

TEST(Scope, EnvIsForThoseBehindItAndWinsOverArgs) {
  const Resolved resolved("FROM x\nENV A=1 B=$A C=$base\nENV D=$A\nARG A=arg\nLABEL l=$A$B$C$D", {},
                          {"base=b", "PATH=/bin"});
  EXPECT_EQ(resolved.last_label(), "argb1");
  EXPECT_THAT(resolved.scope.image_environment().list(), ElementsAre("base=b", "PATH=/bin", "A=1", "B=", "C=b", "D=1"));
  EXPECT_THAT(resolved.scope.environment().list(), Contains("A=arg"));
  // For a stage on top of this one, the image's ENV counts again.
  EXPECT_THAT(resolved.scope.successor().environment().list(), Contains("A=1"));
  EXPECT_EQ(Resolved("FROM x\nARG A=arg\nENV A=env\nLABEL l=$A", {{"A", "given"}}).last_label(), "env");
}

TEST(Scope, DeclaredArgumentsAreListedOnceWithTheirValues) {
  const Resolved resolved("ARG G=g\nFROM x\nARG A=1 B\nARG G\nARG A=2\nENV B=env");
  std::vector<std::string> list;
  for (const KeyValue& one : resolved.scope.declared()) list.push_back(cat(one.key, "=", one.value));
  EXPECT_THAT(list, ElementsAre("A=2", "B=env", "G=g"));
}

TEST(Scope, WhichWordsAreExpanded) {
  const Resolved resolved(
      "FROM x\nARG A=v\nRUN echo $A\nCMD echo $A\nENTRYPOINT [\"$A\"]\nWORKDIR /$A\nUSER $A:$A\nVOLUME /$A \"/q$A\"\n"
      "STOPSIGNAL ${S:-SIGTERM}\nEXPOSE ${P:-80} 81\nLABEL $A=$A\nONBUILD RUN $A\nHEALTHCHECK CMD $A\n"
      "COPY --from=x --chown=$A --exclude=$A $A a$A /$A/\nADD --checksum=$A https://h/r.git#$A /x\n"
      "RUN --mount=type=cache,target=/$A,id=$A true\n");
  auto at = [&](std::size_t index) -> const Body& { return resolved.instructions.at(index).body; };
  EXPECT_THAT(std::get<dockerfile::Run>(at(1)).command.words, ElementsAre("echo $A"));
  EXPECT_THAT(std::get<Cmd>(at(2)).command.words, ElementsAre("echo $A"));
  EXPECT_THAT(std::get<Entrypoint>(at(3)).command.words, ElementsAre("$A"));
  EXPECT_EQ(std::get<Workdir>(at(4)).path, "/v");
  EXPECT_EQ(std::get<User>(at(5)).user, "v:v");
  EXPECT_THAT(std::get<Volume>(at(6)).paths, ElementsAre("/v", "/qv"));
  EXPECT_EQ(std::get<StopSignal>(at(7)).signal, "SIGTERM");
  EXPECT_THAT(std::get<Expose>(at(8)).ports, ElementsAre("80/tcp", "81/tcp"));
  EXPECT_EQ(std::get<Label>(at(9)).labels[0].key, "v");
  EXPECT_EQ(std::get<OnBuild>(at(10)).trigger, "RUN $A");
  EXPECT_THAT(*std::get<HealthCheck>(at(11)).check.test, ElementsAre("CMD-SHELL", "$A"));
  const Copy& copy = std::get<Copy>(at(12));
  EXPECT_EQ(copy.files.chown, "v");
  EXPECT_THAT(copy.files.paths, ElementsAre("v", "av"));
  EXPECT_EQ(copy.files.destination, "/v/");
  EXPECT_THAT(copy.files.exclude, ElementsAre("$A"));
  EXPECT_EQ(std::get<Add>(at(13)).checksum, "v");
  EXPECT_EQ(std::get<dockerfile::Run>(at(14)).mounts[0].target, "/v");
  EXPECT_EQ(std::get<dockerfile::Run>(at(14)).mounts[0].id, "v");
}

TEST(Scope, DocumentsAreExpandedUnlessQuoted) {
  const Resolved resolved("FROM x\nARG A=v\nCOPY <<one <<-\"two\" /d/\n$A \"$A\" '$A' \\$A\none\n\t$A\n\ttwo\n");
  const auto& documents = resolved.instructions.back().as<Copy>()->files.documents;
  EXPECT_EQ(documents.at(0).content, "v \"v\" 'v' $A\n");
  EXPECT_EQ(documents.at(1).content, "$A\n");
}

TEST(Scope, UndefinedNamesComeWithWhatMayHaveBeenMeant) {
  const Resolved resolved("FROM x\nARG DECLARED\nENV PATH=$PAHT:/x $DECLARED=1 Y=$PAHT\n", {}, {"PATH=/bin"});
  ASSERT_EQ(resolved.undefined.size(), 2U);
  EXPECT_EQ(resolved.undefined[0].name, "PAHT");
  EXPECT_EQ(resolved.undefined[0].nearest, "PATH");
}

TEST(Scope, ProxiesNeedNoDeclarationAndReachRunsOnly) {
  EXPECT_TRUE(is_proxy_argument("http_proxy"));
  EXPECT_TRUE(is_proxy_argument("ALL_PROXY"));
  EXPECT_FALSE(is_proxy_argument("Http_Proxy"));
  EXPECT_THAT(proxy_environment({{"http_proxy", "http://p"}, {"X", "y"}}),
              ElementsAre("HTTP_PROXY=http://p", "http_proxy=http://p"));
  const Resolved resolved("FROM x\nLABEL l=$HTTP_PROXY", {{"HTTP_PROXY", "http://p"}});
  EXPECT_EQ(resolved.last_label(), "");
  EXPECT_THAT(resolved.scope.declared(), IsEmpty());
  EXPECT_THAT(resolved.scope.environment().list(), Not(Contains("HTTP_PROXY=http://p")));
}

TEST(Scope, RefusalsPointAtTheWord) {
  EXPECT_EQ(refusal("FROM x\nWORKDIR /a \\\n ${b"), "2:9 failed to process \"/a  ${b\": syntax error: missing '}'");
  EXPECT_EQ(refusal("FROM x\nLABEL a=1 b=${V:?missing}"), "2:13 failed to process \"${V:?missing}\": V: missing");
  EXPECT_EQ(refusal("FROM x\nRUN --mount=type=bnd,target=/x true"),
            "2:5 unsupported mount type \"bnd\" (did you mean bind?)");
  EXPECT_EQ(refusal("FROM x\nRUN --mount=type=cache,traget=/x true"),
            "2:5 unexpected key 'traget' in 'traget=/x' (did you mean target?)");
  EXPECT_EQ(refusal("FROM x\nRUN --mount=type=tmpfs,target=/t \\\n  --mount=\"type=ssh,size=1\" \\\n  "
                    "--mount=type=ssh,size=2 true"),
            "2:5 unexpected key 'size' for mount type 'ssh'");
  EXPECT_EQ(refusal("FROM x\nRUN --mount=type=tmpfs,target=/t \\\n  --mount=type=ssh,size=2 true"),
            "3:3 unexpected key 'size' for mount type 'ssh'");
  EXPECT_EQ(refusal("FROM x\nEXPOSE 80/tpc"), "2:8 invalid port: \"80/tpc\": invalid proto: tpc");
  EXPECT_EQ(refusal("FROM x\nSTOPSIGNAL SIGNOPE"), "2:12 Invalid signal: SIGNOPE");
  EXPECT_EQ(refusal("FROM x\nCOPY --chmod=9 a b"),
            "2:6 invalid chmod parameter: '9'. it should be octal string and between 0 and 07777");
  EXPECT_EQ(
      refusal("FROM x\nCOPY --link --chown=me a b"),
      "2:13 --chown=me: user and group names can't be resolved when used with --link, use numeric uid[:gid] instead");
  EXPECT_EQ(refusal("FROM x\nCOPY https://example.org/a b"), "2:6 source can't be a URL for COPY");
  EXPECT_EQ(refusal("FROM x\nCOPY git@example.org:a/b.git c"), "2:6 source can't be a git ref for COPY");
  EXPECT_EQ(refusal("FROM x\nADD --checksum=sha256:1 local c"), "2:5 checksum requires HTTP(S) or Git sources");
  EXPECT_EQ(refusal("FROM x\nVOLUME $NOTHING"), "2:1 VOLUME specified can not be an empty string");
  const Dockerfile file = parse("FROM $NOTHING");
  try {
    GlobalScope(file, {}, kPlatforms, "").resolve(file.stages[0]);
    FAIL();
  } catch (const SourceError& error) {
    EXPECT_EQ(error.message(), "dockerfile parse error on line 1: base name ($NOTHING) should not be blank");
    EXPECT_EQ(error.position(), (Position{1, 6}));
  }
}

}  // namespace
}  // namespace hull::dockerfile
