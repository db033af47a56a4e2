// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "archive/source.h"
#include "image/images.h"

namespace hull::image {

struct SavedImage {
  ImagePtr image;
  std::vector<std::string> references;  // canonical; may be empty
  // Of the manifest, and of what points to it in index.json.
  std::map<std::string, std::string> annotations = {}, descriptor_annotations = {};
};

// What `names` (as the user gave them) stand for: a name with a tag is that; a name without one is every tag of that
// repository; an id is the image without a name. The same image is there once. Error{kNotFound} as Images::get().
std::vector<SavedImage> images_to_save(const Images& images, const std::vector<std::string>& names);

// One tar that is a docker-archive (manifest.json, repositories) and an OCI image layout (index.json) at once, with the
// layers as the plain tars that they came as, each once. The same images give the same bytes. What is missing is
// refused before `begin` is called for the sink.
void write_archive(store::Database& database, const std::string& data_root, const std::vector<SavedImage>& images,
                   const std::function<archive::Sink()>& begin);

}  // namespace hull::image
