// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "registry/authorizer.h"
#include "registry/hosts.h"
#include "registry/http.h"

namespace hull::registry {
namespace {

TEST(Challenges, AreReadAsTheyAreWritten) {
  auto found = parse_challenges(
      R"(Bearer realm="https://auth.example/token?a=b,c",service="s \"x\"", scope="repository:a/b:pull,push" , Basic realm=here)");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].scheme, "bearer");
  EXPECT_EQ(found[0].values.at("realm"), "https://auth.example/token?a=b,c");
  EXPECT_EQ(found[0].values.at("service"), "s \"x\"");
  EXPECT_EQ(found[0].values.at("scope"), "repository:a/b:pull,push");
  EXPECT_EQ(found[1].scheme, "basic");
  EXPECT_EQ(found[1].values.at("realm"), "here");
}

TEST(Challenges, RubbishDoesNoHarm) {
  for (const char* text : {"", ",", "=", "\"", "Bearer", "Bearer realm", "Bearer realm=", "Bearer realm=\"", "a=b",
                           "Bearer \\", "==,,\"\"="})
    parse_challenges(text);
}

TEST(Urls, LocationsAreResolved) {
  struct Case {
    const char *url, *location, *result;
  };
  const Case cases[] = {
      {"https://a:1/v2/x?y", "https://b/z", "https://b/z"},
      {"https://a:1/v2/x?y", "/z?w", "https://a:1/z?w"},
      {"https://a:1/v2/x?y", "z", "https://a:1/v2/z"},
      {"https://a:1/v2/x?y", "?q=1", "https://a:1/v2/x?q=1"},
      {"https://a:1/v2/x", "//b/z", "https://b/z"},
      {"https://a:1", "z", "https://a:1/z"},
      {"http://a/v2/x", "/v2/x?to=http://c/", "http://a/v2/x?to=http://c/"},
  };
  for (const Case& one : cases) EXPECT_EQ(resolved(one.url, one.location), one.result) << one.location;
  EXPECT_EQ(origin_of("https://a:1/v2/x?y"), "https://a:1");
  EXPECT_THROW(origin_of("nothing"), Error);
}

TEST(Hosts, InsecureRegistriesAreTheLoopbackAndThoseThatAreNamed) {
  Options options;
  options.insecure = {"10.1.0.0/16", "named.example", "ported.example:5000"};
  for (const char* host : {"localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000", "10.1.2.3:80",
                           "named.example", "named.example:443", "ported.example:5000"})
    EXPECT_TRUE(is_insecure(host, options)) << host;
  for (const char* host : {"10.2.0.1", "128.0.0.1", "[::2]:5000"}) EXPECT_FALSE(is_insecure(host, options)) << host;
  options.insecure = {"ported.example:5000"};
  for (const char* host : {"ported.example:5001", "ported.example"}) EXPECT_FALSE(is_insecure(host, options)) << host;
}

TEST(Hosts, MirrorsComeFirstAndKnowWhoIsMeant) {
  Options options;
  options.mirrors = {"https://hub.mirror/", "quay.io=https://quay.mirror", "*=https://all.mirror/cache/"};
  auto urls = [&](const char* domain, bool only_itself = false) {
    std::vector<std::string> found;
    for (const auto& endpoint : endpoints_of(domain, options, only_itself))
      found.push_back(endpoint.url + "|" + endpoint.name_space);
    return found;
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(urls("docker.io"),
            (List{"https://hub.mirror|", "https://all.mirror/cache|docker.io", "https://registry-1.docker.io|"}));
  EXPECT_EQ(urls("quay.io"),
            (List{"https://quay.mirror|quay.io", "https://all.mirror/cache|quay.io", "https://quay.io|"}));
  EXPECT_EQ(urls("localhost:5000", true), (List{"https://localhost:5000|", "http://localhost:5000|"}));
}

TEST(Hosts, ServersAreNamedAsInConfigJson) {
  EXPECT_EQ(server_name("docker.io"), "https://index.docker.io/v1/");
  for (const char* hub : {"", "https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"})
    EXPECT_EQ(domain_of_server(hub), "docker.io");
  EXPECT_EQ(domain_of_server("https://host:5000/v2/"), "host:5000");
}

}  // namespace
}  // namespace hull::registry
