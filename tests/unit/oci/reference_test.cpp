// SPDX-License-Identifier: Apache-2.0
#include "oci/reference.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "oci/platform.h"

using namespace hull;
using oci::Reference;

namespace {

const std::string kHex(64, 'a');

std::string refusal(const std::string& text) {
  try {
    auto reference = Reference::parse(text);
    return "accepted as " + reference.canonical();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), Kind::kInvalidArgument);
    return e.message();
  }
}

}  // namespace

TEST(Reference, IsNormalisedAsDockerDoes) {
  struct Case {
    std::string text, canonical, familiar;
  };
  const Case cases[] = {
      {"debian", "docker.io/library/debian:latest", "debian:latest"},
      {"debian:12", "docker.io/library/debian:12", "debian:12"},
      {"docker.io/debian", "docker.io/library/debian:latest", "debian:latest"},
      {"index.docker.io/library/debian:12", "docker.io/library/debian:12", "debian:12"},
      {"user/app", "docker.io/user/app:latest", "user/app:latest"},
      {"localhost/app", "localhost/app:latest", "localhost/app:latest"},
      {"localhost:5000/a/b:c", "localhost:5000/a/b:c", "localhost:5000/a/b:c"},
      {"[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"},
      {"quay.io/a__b/c-d.e_f", "quay.io/a__b/c-d.e_f:latest", "quay.io/a__b/c-d.e_f:latest"},
      {"debian@sha256:" + kHex, "docker.io/library/debian@sha256:" + kHex, "debian@sha256:" + kHex},
      {"debian:12@sha256:" + kHex, "docker.io/library/debian:12@sha256:" + kHex, "debian:12@sha256:" + kHex},
      {"Host/app", "Host/app:latest", "Host/app:latest"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Reference::parse(c.text).canonical(), c.canonical);
    EXPECT_EQ(Reference::parse(c.text).familiar(), c.familiar);
    EXPECT_EQ(Reference::parse(c.canonical).canonical(), c.canonical);
  }
}

TEST(Reference, RefusalsAreInDockersWords) {
  EXPECT_EQ(refusal("Debian"), "invalid reference format: repository name (library/Debian) must be lowercase");
  EXPECT_EQ(refusal(kHex), "invalid repository name (" + kHex + "), cannot specify 64-byte hexadecimal strings");
  for (const char* text : {"",
                           " ",
                           "a b",
                           ":tag",
                           "a:",
                           "a:-x",
                           "a//b",
                           "-a",
                           "a-",
                           "a___b",
                           "a..b",
                           "a/",
                           "/a",
                           "a@",
                           "a@sha256:12",
                           "a:b:c",
                           "a:sha256:aaaaaaaa",
                           "http://a",
                           "a._b",
                           "b\n"})
    EXPECT_EQ(refusal(text), "invalid reference format") << text;
  EXPECT_EQ(refusal("a@md5:" + kHex), "unsupported digest algorithm");
  EXPECT_EQ(refusal("a@sha256:" + kHex + "a"), "invalid checksum digest length");
  EXPECT_EQ(refusal("a:" + std::string(129, 't')), "invalid reference format");
  EXPECT_EQ(refusal(std::string(256, 'a')), "repository name must not be more than 255 characters");
}

TEST(Platform, IsReadAsDockerDoes) {
  EXPECT_EQ(to_string(oci::parse_platform("linux/amd64")), "linux/amd64");
  EXPECT_EQ(to_string(oci::parse_platform("linux/aarch64")), "linux/arm64");
  EXPECT_EQ(to_string(oci::parse_platform("linux/arm64/v8")), "linux/arm64");
  EXPECT_EQ(to_string(oci::parse_platform("linux/arm/v7")), "linux/arm/v7");
  EXPECT_EQ(oci::parse_platform("").os, "linux");
  EXPECT_EQ(oci::parse_platform("s390x").architecture, "s390x");
  EXPECT_THROW(oci::parse_platform("no such thing"), Error);
  EXPECT_THROW(oci::parse_platform("a/b/c/d"), Error);
}
