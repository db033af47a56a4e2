// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/error.h"
#include "cli/container_request.h"
#include "cli/create_flags.h"
#include "cli/mounts.h"
#include "cli/units.h"

namespace hull::cli {
namespace {

Value request(std::vector<std::string_view> words) {
  Options options{{create_flags()}};
  options.parse(words, false);
  return container_request(options, false);
}

TEST(Request, FlagsBecomeFields) {
  struct Case {
    std::vector<std::string_view> words;
    const char *group, *field, *json;
  };
  const Case kCases[] = {
      {{"-it", "busybox"}, "", "Tty", "true"},
      {{"-it", "busybox"}, "", "StdinOnce", "true"},
      {{"busybox", "ls", "--rm", "-x"}, "", "Cmd", R"(["ls","--rm","-x"])"},
      {{"--", "busybox", "--", "a"}, "", "Cmd", R"(["--","a"])"},
      {{"-eA=1", "--env=B=", "i"}, "", "Env", R"(["A=1","B="])"},
      {{"-l", "a", "--label=b=c=d", "i"}, "", "Labels", R"({"a":"","b":"c=d"})"},
      {{"--entrypoint", "", "i"}, "", "Entrypoint", R"([""])"},
      {{"-v/data", "i"}, "", "Volumes", R"({"/data":{}})"},
      {{"-p8080:80", "i"}, "", "ExposedPorts", R"({"80/tcp":{}})"},
      {{"--health-cmd", "x", "--health-interval=1s", "i"},
       "",
       "Healthcheck",
       R"({"Test":["CMD-SHELL","x"],"Interval":1000000000})"},
      {{"-m512m", "i"}, "HostConfig", "Memory", "536870912"},
      {{"--cpus", "1.5", "i"}, "HostConfig", "NanoCpus", "1500000000"},
      {{"--memory-swap=-1", "i"}, "HostConfig", "MemorySwap", "-1"},
      {{"-v", "/a:/b:ro", "i"}, "HostConfig", "Binds", R"(["/a:/b:ro"])"},
      {{"--tmpfs", "/t:size=1m", "i"}, "HostConfig", "Tmpfs", R"({"/t":"size=1m"})"},
      {{"--restart=on-failure:3", "i"},
       "HostConfig",
       "RestartPolicy",
       R"({"Name":"on-failure","MaximumRetryCount":3})"},
      {{"--ulimit", "nofile=10:20", "i"}, "HostConfig", "Ulimits", R"([{"Name":"nofile","Hard":20,"Soft":10}])"},
      {{"--device=/dev/null:r", "i"},
       "HostConfig",
       "Devices",
       R"([{"PathOnHost":"/dev/null","PathInContainer":"/dev/null","CgroupPermissions":"r"}])"},
      {{"--device-read-bps=/dev/sda:1mb", "i"},
       "HostConfig",
       "BlkioDeviceReadBps",
       R"([{"Path":"/dev/sda","Rate":1048576}])"},
      {{"--security-opt", "systempaths=unconfined", "i"}, "HostConfig", "MaskedPaths", "[]"},
      {{"--net=host", "i"}, "HostConfig", "NetworkMode", "\"host\""},
  };
  for (const Case& one : kCases) {
    Value body = request(one.words);
    const Value& group = *one.group ? body[one.group] : body;
    EXPECT_EQ(to_json(group[one.field]), one.json) << one.field;
  }
}

TEST(Request, RefusesContradictions) {
  for (std::vector<std::string_view> words :
       std::vector<std::vector<std::string_view>>{{"--rm", "--restart=always", "i"},
                                                  {"--no-healthcheck", "--health-cmd=x", "i"},
                                                  {"--cpus=x", "i"},
                                                  {"-m", "1x", "i"},
                                                  {"--nope", "i"},
                                                  {"-a", "stdfoo", "i"},
                                                  {"-e", "=x", "i"},
                                                  {"-v", ":/x", "i"},
                                                  {"--mount", "type=bind", "i"}})
    EXPECT_THROW(request(words), Error) << words[0];
}

TEST(Mounts, Csv) {
  EXPECT_EQ(to_json(parse_mount("type=bind,src=/a,dst=/b,ro")),
            R"({"Type":"bind","Source":"/a","Target":"/b","ReadOnly":true})");
  EXPECT_EQ(to_json(parse_mount("target=/t,\"volume-opt=o=a,b\"")),
            R"({"Target":"/t","Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"o":"a,b"}}}})");
  EXPECT_THROW(parse_mount("type=tmpfs,target=/t,volume-nocopy"), Error);
}

TEST(Units, SizesAndDurations) {
  EXPECT_EQ(decimal_size(1234567, 3), "1.23MB");
  EXPECT_EQ(binary_size(1572864), "1.5MiB");
  const std::pair<std::int64_t, const char*> kCases[] = {
      {0, "Less than a second"}, {1, "1 second"},         {59, "59 seconds"}, {60, "About a minute"},
      {3600, "About an hour"},   {7200, "2 hours"},       {172800, "2 days"}, {86400 * 14, "2 weeks"},
      {86400 * 60, "2 months"},  {86400 * 730, "2 years"}};
  for (auto [seconds, text] : kCases) EXPECT_EQ(human_duration(seconds), text);
}

}  // namespace
}  // namespace hull::cli
