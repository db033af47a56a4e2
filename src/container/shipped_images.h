// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "container/engine.h"

namespace hull::container {

// Images that come with hull lie as <shipped_images>/<name>.tar, a root filesystem with a program /<name>. When
// `reference` is the name of one (tag latest), imports it, and gives its image; nullptr otherwise.
image::ImagePtr import_shipped_image(const std::string& reference, const Configuration& configuration,
                                     image::Images& images);

}  // namespace hull::container
