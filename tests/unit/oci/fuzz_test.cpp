// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "../../fuzz/mutation.h"
#include "oci/image_config.h"
#include "oci/image_manifest.h"
#include "oci/json.h"
#include "oci/platform.h"
#include "oci/reference.h"

namespace hull::oci {
namespace {

TEST(Fuzz, References) {
  const std::string digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  fuzz::mutate({"debian", "docker.io/library/debian:12", "host:5000/a/b_c/d__e-f.g:tag@" + digest, "[::1]:5000/x",
                "localhost/x@" + digest},
               100'000, [](const std::string& text) {
                 Reference reference = Reference::parse(text);
                 // What is accepted comes out as something that means the same.
                 EXPECT_EQ(Reference::parse(reference.canonical()).canonical(), reference.canonical()) << text;
                 EXPECT_EQ(Reference::parse(reference.familiar()).canonical(), reference.canonical()) << text;
               });
}

TEST(Fuzz, Platforms) {
  fuzz::mutate({"linux/arm64/v8", "linux", "amd64", "linux/arm/v7"}, 50'000, [](const std::string& text) {
    Platform platform = parse_platform(text);
    best_match({platform}, platform);
  });
}

TEST(Fuzz, ManifestsAndConfigurations) {
  const std::vector<std::string> seeds = {
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"a","digest":"sha256:00","size":7},)"
      R"("layers":[{"mediaType":"b","digest":"sha256:11","size":9,"annotations":{"k":"v"}}]})",
      R"({"schemaVersion":2,"manifests":[{"mediaType":"a","digest":"d","size":1,"platform":{"architecture":"arm","os":"linux","variant":"v7"}}]})",
      R"({"created":"2020-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{"Env":["A=b"],"Cmd":null,"ExposedPorts":{"80/tcp":{}}},)"
      R"("rootfs":{"type":"layers","diff_ids":["sha256:00"]},"history":[{"created_by":"x","empty_layer":true}]})"};
  fuzz::mutate(seeds, 30'000, [](const std::string& text) {
    Json json = parse_json(text);
    from_json<ImageManifest>(json);
    from_json<ImageIndex>(json);
    from_json<ImageConfig>(json);
  });
}

}  // namespace
}  // namespace hull::oci
