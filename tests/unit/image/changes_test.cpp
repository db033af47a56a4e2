// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "image/images.h"
#include "oci/json.h"

using namespace hull;

namespace {

using Strings = std::vector<std::string>;

std::string config_after(const Strings& changes) {
  oci::ExecutionConfig config;
  image::Images::apply_changes(config, changes);
  return dump_json(to_json(config));
}

std::string refusal(const std::string& change) {
  try {
    return "accepted as " + config_after({change});
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
    return e.message();
  }
}

}  // namespace

TEST(Changes, EveryInstructionDoesWhatADockerfileDoes) {
  struct Case {
    Strings changes;
    std::string config;
  };
  const Case cases[] = {
      {{R"(CMD ["/bin/sh", "-c", "x"])"}, R"({"Cmd":["/bin/sh","-c","x"]})"},
      {{"cmd echo \"a  b\""}, R"({"Cmd":["/bin/sh","-c","echo \"a  b\""]})"},
      {{R"(ENTRYPOINT ["/init"])", "CMD []"}, R"({"Entrypoint":["/init"]})"},
      {{"CMD x", "ENTRYPOINT y"}, R"({"Entrypoint":["/bin/sh","-c","y"],"Cmd":["/bin/sh","-c","x"]})"},
      {{"ENV A=b C=\"d e\" F=g\\ h", "ENV A=c"}, R"({"Env":["A=c","C=d e","F=g h"]})"},
      {{"ENV A the rest of it"}, R"({"Env":["A=the rest of it"]})"},
      {{"ENV A=1", "ENV B=$A-${A}-${X:-no}-${A:+yes} C='$A'"}, R"({"Env":["A=1","B=1-1-no-yes","C=$A"]})"},
      {{"LABEL a=b \"c d\"=\"e f\""}, R"({"Labels":{"a":"b","c d":"e f"}})"},
      {{"EXPOSE 80 443/UDP 8000-8001"}, R"({"ExposedPorts":{"443/udp":{},"80/tcp":{},"8000/tcp":{},"8001/tcp":{}}})"},
      {{"VOLUME /a /b", R"(VOLUME ["/c d"])"}, R"({"Volumes":{"/a":{},"/b":{},"/c d":{}}})"},
      {{"USER nobody:nogroup"}, R"({"User":"nobody:nogroup"})"},
      {{"WORKDIR /a", "WORKDIR b/../c"}, R"({"WorkingDir":"/a/c"})"},
      {{"STOPSIGNAL SIGTERM"}, R"({"StopSignal":"SIGTERM"})"},
      {{"ONBUILD RUN true"}, R"({"OnBuild":["RUN true"]})"},
      {{"HEALTHCHECK --interval=5s --retries=2 CMD curl -f x"},
       R"({"Healthcheck":{"Test":["CMD-SHELL","curl -f x"],"Interval":5000000000,"Retries":2}})"},
      {{R"(HEALTHCHECK --start-period=1m CMD ["a"])"},
       R"({"Healthcheck":{"Test":["CMD","a"],"StartPeriod":60000000000}})"},
      {{"HEALTHCHECK NONE"}, R"({"Healthcheck":{"Test":["NONE"]}})"},
      {{"", "  "}, "{}"},
  };
  for (const Case& c : cases) EXPECT_EQ(config_after(c.changes), c.config) << join(c.changes, "; ");
}

TEST(Changes, AnEntryPointDropsTheCommandOfBefore) {
  oci::ExecutionConfig config;
  config.cmd = Strings{"old"};
  image::Images::apply_changes(config, {R"(ENTRYPOINT ["/new"])"});
  EXPECT_FALSE(config.cmd);
}

TEST(Changes, RefusalsNameTheFault) {
  EXPECT_EQ(refusal("RUN true"), "RUN is not a valid change command");
  EXPECT_EQ(refusal("bogus"), "bogus is not a valid change command");
  EXPECT_EQ(refusal("ENV"), "ENV requires at least one argument");
  EXPECT_EQ(refusal("ENV A"), "ENV must have two arguments");
  EXPECT_EQ(refusal("ENV A=b c"), "Syntax error - can't find = in \"c\". Must be of the form: name=value");
  EXPECT_EQ(refusal("EXPOSE 99999"), "invalid containerPort: 99999");
  EXPECT_EQ(refusal("EXPOSE 80/icmp"), "invalid proto: icmp");
  EXPECT_EQ(refusal("STOPSIGNAL NOPE"), "invalid signal: NOPE");
  EXPECT_EQ(refusal("HEALTHCHECK FOO"), "Unknown type \"FOO\" in HEALTHCHECK (try CMD)");
  EXPECT_EQ(refusal("HEALTHCHECK --bogus=1 CMD x"), "unknown flag: bogus");
  EXPECT_EQ(refusal("ONBUILD FROM x"), "FROM isn't allowed as an ONBUILD trigger");
  EXPECT_EQ(refusal("LABEL \"a=b"), "unexpected end of statement while looking for matching double-quote");
}
