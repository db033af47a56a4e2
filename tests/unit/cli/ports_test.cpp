// SPDX-License-Identifier: Apache-2.0
#include "cli/ports.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace hull::cli {
namespace {

std::string bindings(std::string_view text) {
  Ports ports;
  add_published(ports, text);
  return to_json(bindings_json(ports));
}

TEST(Ports, PublishGrammar) {
  const std::pair<const char*, const char*> kCases[] = {
      {"80", R"({"80/tcp":[{"HostIp":"","HostPort":""}]})"},
      {"8080:80", R"({"80/tcp":[{"HostIp":"","HostPort":"8080"}]})"},
      {"8080:80/udp", R"({"80/udp":[{"HostIp":"","HostPort":"8080"}]})"},
      {"127.0.0.1::80", R"({"80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]})"},
      {"[::1]:8080:80", R"({"80/tcp":[{"HostIp":"::1","HostPort":"8080"}]})"},
      {"8000-8010:80", R"({"80/tcp":[{"HostIp":"","HostPort":"8000-8010"}]})"},
      {"81-82:91-92", R"({"91/tcp":[{"HostIp":"","HostPort":"81"}],"92/tcp":[{"HostIp":"","HostPort":"82"}]})"},
      {"published=8080,target=80", R"({"80/tcp":[{"HostIp":"","HostPort":"8080"}]})"},
  };
  for (auto [text, json] : kCases) EXPECT_EQ(bindings(text), json) << text;
}

TEST(Ports, RefusesWhatIsNoPort) {
  for (const char* text : {"", "x", "80:x", "70000", "1.2.3:1:2", "80/foo", "80-81:90-92", "90-80"})
    EXPECT_THROW(bindings(text), Error) << text;
}

}  // namespace
}  // namespace hull::cli
