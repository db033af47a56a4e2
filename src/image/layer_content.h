// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "archive/source.h"
#include "base/unique_fd.h"
#include "store/database.h"

namespace hull::image {

// The bytes of a layer in the store. Reading it is only possible once.
struct LayerContent {
  UniqueFd files, blob;  // what `source` reads from
  std::int64_t size = 0;
  archive::Source source;
};

// The uncompressed tar that it came as. Error{kNotImplemented} when it cannot be put together (tar_split.h) and no blob
// is kept either.
LayerContent layer_tar(const std::string& data_root, const store::LayerRow& layer);
// The compressed blob, when it is kept.
std::optional<LayerContent> layer_blob(const std::string& data_root, const store::LayerRow& layer);

}  // namespace hull::image
