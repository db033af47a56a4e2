// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/text.h"
#include "oci/image_config.h"
#include "oci/image_manifest.h"
#include "oci/json.h"
#include "oci/platform.h"
#include "oci/reference.h"
#include "target.h"

// What must hold for any text. Each returns quietly, throws an Error that says what is wrong with it, or ends the
// program.
namespace hull::oci {

inline const std::string kFuzzDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
inline const std::vector<std::string> kReferenceSeeds = {"debian", "docker.io/library/debian:12",
                                                         "host:5000/a/b_c/d__e-f.g:tag@" + kFuzzDigest, "[::1]:5000/x",
                                                         "localhost/x@" + kFuzzDigest};
// What is accepted comes out as something that means the same.
inline void fuzz_reference(std::string_view text) {
  Reference reference = Reference::parse(text);
  fuzz::require(Reference::parse(reference.canonical()).canonical() == reference.canonical(), "canonical is canonical");
  fuzz::require(Reference::parse(reference.familiar()).canonical() == reference.canonical(),
                "the familiar form means the same");
}

inline const std::vector<std::string> kPlatformSeeds = {"linux/arm64/v8", "linux", "amd64", "linux/arm/v7"};
inline void fuzz_platform(std::string_view text) {
  Platform platform = parse_platform(text);
  best_match({platform}, platform);
}

inline const std::vector<std::string> kManifestSeeds = {
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"a","digest":"sha256:00","size":7},)"
    R"("layers":[{"mediaType":"b","digest":"sha256:11","size":9,"annotations":{"k":"v"}}]})",
    R"({"schemaVersion":2,"manifests":[{"mediaType":"a","digest":"d","size":1,"platform":{"architecture":"arm","os":"linux","variant":"v7"}}]})",
    R"({"created":"2020-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{"Env":["A=b"],"Cmd":null,"ExposedPorts":{"80/tcp":{}}},)"
    R"("rootfs":{"type":"layers","diff_ids":["sha256:00"]},"history":[{"created_by":"x","empty_layer":true}]})"};
// As each of the documents of an image, whatever it is.
inline void fuzz_manifest(std::string_view text) {
  Json json = parse_json(text);
  std::string written = dump_json(json);
  fuzz::require(dump_json(parse_json(written)) == written, "what is written is read again");
  from_json<ImageManifest>(json);
  from_json<ImageIndex>(json);
  from_json<ImageConfig>(json);
}

}  // namespace hull::oci
