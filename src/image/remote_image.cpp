// SPDX-License-Identifier: Apache-2.0
#include "image/remote_image.h"

#include <algorithm>

#include "oci/json.h"

namespace hull::image {

namespace {

constexpr int kDeepestIndex = 4;
constexpr std::string_view kReferenceType = "vnd.docker.reference.type";  // of attestations, which are no images

bool is_index(std::string_view media_type) {
  return media_type == oci::kMediaTypeIndex || media_type == oci::kMediaTypeDockerList;
}

// Registries may leave the Content-Type out, or lie: what counts is what the text says, then what it looks like.
std::string media_type_of(const registry::Content& content, const Json& json) {
  if (auto type = json.find("mediaType"); type != json.end() && type->is_string()) return type->get<std::string>();
  if (json.contains("manifests")) return std::string(oci::kMediaTypeIndex);
  if (json.contains("layers")) return std::string(oci::kMediaTypeManifest);
  return content.media_type;
}

// Docker's words for what a registry refuses.
[[noreturn]] void translate(const Error& error, const oci::Reference& reference) {
  std::string name = reference.familiar_name();
  switch (error.kind()) {
    case Kind::kNotFound: {
      bool unknown_name = error.message().find("name unknown") != std::string::npos;
      if (unknown_name)
        fail(Kind::kNotFound, "repository ", name, " not found: does not exist or no pull access: ", error.message());
      fail(Kind::kNotFound, "manifest for ", reference.familiar(), " not found: ", error.message());
    }
    case Kind::kUnauthorized:
    case Kind::kForbidden:
      fail(Kind::kNotFound, "pull access denied for ", name,
           ", repository does not exist or may require 'docker login': ",
           error.kind() == Kind::kForbidden ? "denied: requested access to the resource is denied" : error.message());
    default: throw error;
  }
}

std::string choose(const oci::ImageIndex& index, const oci::Platform& platform) {
  std::vector<oci::Platform> offered;
  std::vector<const oci::Descriptor*> entries;
  for (const oci::Descriptor& entry : index.manifests) {
    bool attestation = entry.annotations.contains(std::string(kReferenceType));
    if (attestation || (entry.platform && entry.platform->architecture == "unknown")) continue;
    entries.push_back(&entry);
    offered.push_back(entry.platform.value_or(oci::Platform{}));
  }
  if (auto best = oci::best_match(offered, platform)) return entries[*best]->digest;
  // An index without platforms is for whoever asks.
  if (entries.size() == 1 && !entries.front()->platform) return entries.front()->digest;
  fail(Kind::kNotFound, "no matching manifest for ", oci::to_string(platform), " in the manifest list entries");
}

}  // namespace

RemoteImage find_remote_image(registry::Repository& repository, const oci::Reference& reference,
                              const oci::Platform& platform, const std::stop_token& stop) {
  RemoteImage image;
  std::string wanted = reference.digest.empty() ? reference.tag : reference.digest;
  for (int depth = 0;; ++depth) {
    try {
      image.manifest = repository.manifest(wanted, stop);
    } catch (const Error& e) {
      translate(e, reference);
    }
    if (image.digest.empty()) image.digest = image.manifest.digest;
    Json json = parse_json(image.manifest.text);
    image.manifest.media_type = media_type_of(image.manifest, json);
    if (!is_index(image.manifest.media_type)) {
      if (image.manifest.media_type != oci::kMediaTypeManifest &&
          image.manifest.media_type != oci::kMediaTypeDockerManifest)
        fail_invalid("unsupported manifest media type ", hull::quoted(image.manifest.media_type), " of ",
                     reference.familiar(), ": it has to be an OCI image or Docker's schema 2");
      image.parsed = from_json<oci::ImageManifest>(json);
      return image;
    }
    if (depth == kDeepestIndex) fail_invalid("indexes in indexes in indexes: ", reference.familiar());
    wanted = choose(from_json<oci::ImageIndex>(json), platform);
  }
}

RemoteConfig read_remote_config(registry::Repository& repository, const RemoteImage& image,
                                const std::optional<std::string>& known, const std::stop_token& stop) {
  const oci::Descriptor& descriptor = image.parsed.config;
  if (descriptor.media_type != oci::kMediaTypeConfig && descriptor.media_type != oci::kMediaTypeDockerConfig &&
      descriptor.media_type != "application/octet-stream")
    fail_invalid("encountered remote ", hull::quoted(descriptor.media_type),
                 ": this is an artifact, not an image that can be run");
  RemoteConfig config;
  config.text = known ? *known : repository.small_blob(descriptor, stop);
  config.parsed = from_json<oci::ImageConfig>(parse_json(config.text));
  if (!config.parsed.os.empty() && config.parsed.os != "linux")
    fail_invalid("image operating system ", hull::quoted(config.parsed.os), " cannot be used on this platform");
  const auto& diff_ids = config.parsed.rootfs.diff_ids;
  if (diff_ids.size() != image.parsed.layers.size())
    fail_invalid("layers from manifest don't match image configuration: ", image.parsed.layers.size(), " and ",
                 diff_ids.size());
  std::string parent;
  for (std::size_t i = 0; i < diff_ids.size(); ++i) {
    if (!oci::is_digest(diff_ids[i]))
      fail_invalid("invalid image config: ", hull::quoted(diff_ids[i]), " is not a digest");
    config.layers.push_back(
        {store::Layers::chain_id(parent, diff_ids[i]), parent, diff_ids[i], image.parsed.layers[i]});
    parent = config.layers.back().chain_id;
  }
  return config;
}

}  // namespace hull::image
