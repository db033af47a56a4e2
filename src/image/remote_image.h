// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "image/layer_fetch.h"
#include "oci/image_config.h"
#include "oci/image_manifest.h"
#include "oci/platform.h"
#include "oci/reference.h"
#include "registry/repository.h"

namespace hull::image {

// An image as a registry has it.
struct RemoteImage {
  std::string digest;  // what the reference stands for there: of the index, or of the manifest
  registry::Content manifest;
  oci::ImageManifest parsed;
};

// Finds the image of `reference` (a tag or digest) for `platform`. Throws Error{kNotFound} in Docker's words, which
// clients look for, also when the registry hides what we may not see.
RemoteImage find_remote_image(registry::Repository& repository, const oci::Reference& reference,
                              const oci::Platform& platform, const std::stop_token& stop);

// Its configuration (the text whose digest is the image's id), checked as far as others depend on it.
struct RemoteConfig {
  std::string text;
  oci::ImageConfig parsed;
  std::vector<WantedLayer> layers;  // bottom first
};
// `known`: the text, where it is here already.
RemoteConfig read_remote_config(registry::Repository& repository, const RemoteImage& image,
                                const std::optional<std::string>& known, const std::stop_token& stop);

}  // namespace hull::image
