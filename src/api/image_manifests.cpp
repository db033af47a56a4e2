// SPDX-License-Identifier: Apache-2.0
#include "api/image_manifests.h"

#include "base/file.h"
#include "oci/image_manifest.h"
#include "oci/json.h"
#include "oci/platform.h"
#include "store/layout.h"

namespace hull::api {

namespace {

// The manifest that came with the image. One that was made here has none before it is pushed: then its configuration is
// what describes it.
struct Described {
  oci::Descriptor descriptor;
  std::int64_t content = 0;  // bytes of what a registry would have
};

Described describe(const image::Image& image, const Call& call) {
  Described found;
  const std::string& root = call.engine.configuration().data_root;
  auto text =
      image.manifest_digest.empty() ? std::nullopt : read_if_exists(store::blob_path(root, image.manifest_digest));
  if (text) {
    auto manifest = from_json<oci::ImageManifest>(parse_json(*text));
    found.descriptor.media_type =
        manifest.media_type.empty() ? std::string(oci::kMediaTypeManifest) : manifest.media_type;
    found.descriptor.digest = image.manifest_digest;
    found.descriptor.size = static_cast<std::int64_t>(text->size());
    found.content = found.descriptor.size + manifest.config.size;
    for (const auto& layer : manifest.layers) found.content += layer.size;
    return found;
  }
  found.descriptor.media_type = std::string(oci::kMediaTypeDockerConfig);
  found.descriptor.digest = image.id;
  return found;
}

}  // namespace

Json manifests_of(const image::Image& image, const Call& call) {
  oci::Platform platform{image.config.architecture, image.config.os, image.config.os_version, image.config.variant};
  Json containers = Json::array();
  for (const auto& state : call.engine.list())
    if (state->spec->image_id == image.id) containers.push_back(state->id);
  Described described = describe(image, call);
  described.descriptor.platform = platform;
  Json one;
  one["ID"] = described.descriptor.digest;
  one["Descriptor"] = to_json(described.descriptor);
  one["Available"] = true;
  one["Size"] = {{"Content", described.content}, {"Total", described.content + image.size}};
  one["Kind"] = "image";
  one["ImageData"] = {
      {"Platform", to_json(platform)}, {"Containers", containers}, {"Size", {{"Unpacked", image.size}}}};
  return Json::array({one});
}

}  // namespace hull::api
