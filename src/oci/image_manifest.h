// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "oci/platform.h"

// Manifests and indexes (github.com/opencontainers/image-spec: descriptor.md, manifest.md, image-index.md) and
// the manifest.json of `docker save`.
namespace hull::oci {

struct Descriptor {
  std::string media_type, digest;
  std::int64_t size = 0;
  std::map<std::string, std::string> annotations;
  std::optional<Platform> platform;
};
template <class Visitor>
void fields(Visitor& visit, Descriptor& value) {
  visit("mediaType", value.media_type);
  visit("digest", value.digest);
  visit("size", value.size);
  visit("annotations", value.annotations, WhenEmpty::kOmit);
  visit("platform", value.platform, WhenEmpty::kOmit);
}

struct ImageManifest {
  int schema_version = 2;
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers;
  std::map<std::string, std::string> annotations = {};
};
template <class Visitor>
void fields(Visitor& visit, ImageManifest& value) {
  visit("schemaVersion", value.schema_version);
  visit("mediaType", value.media_type, WhenEmpty::kOmit);
  visit("config", value.config);
  visit("layers", value.layers);
  visit("annotations", value.annotations, WhenEmpty::kOmit);
}

struct ImageIndex {
  int schema_version = 2;
  std::string media_type;
  std::vector<Descriptor> manifests;
};
template <class Visitor>
void fields(Visitor& visit, ImageIndex& value) {
  visit("schemaVersion", value.schema_version);
  visit("mediaType", value.media_type, WhenEmpty::kOmit);
  visit("manifests", value.manifests);
}

// One entry of the manifest.json in a docker-archive: file names inside the archive.
struct DockerArchiveImage {
  std::string config, parent;
  std::vector<std::string> repo_tags, layers;
};
template <class Visitor>
void fields(Visitor& visit, DockerArchiveImage& value) {
  visit("Config", value.config);
  visit("Parent", value.parent, WhenEmpty::kOmit);
  visit("RepoTags", value.repo_tags);
  visit("Layers", value.layers);
}

inline constexpr std::string_view kMediaTypeManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kMediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kMediaTypeConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kMediaTypeDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kMediaTypeDockerLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view kMediaTypeIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kMediaTypeDockerList = "application/vnd.docker.distribution.manifest.list.v2+json";

}  // namespace hull::oci
