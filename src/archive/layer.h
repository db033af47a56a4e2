// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "archive/decompress.h"
#include "archive/source.h"

namespace hull::archive {

struct ExtractedLayer {
  std::string diff_id;    // digest of the uncompressed tar
  std::int64_t size = 0;  // bytes of the regular files
  Compression compression = Compression::kNone;
};

// A tar stream, compressed or not, becomes the files of one overlay layer in `directory` (made, 0755) in one pass:
// decompressing and hashing run beside the creation of the files. What is there after an exception is for the
// caller to remove. `recording` (optional): a file that is made beside, from which the very same tar can be put
// together again (tar_split.h). Bad archives are Error{kInvalidArgument}, a full disk Error{kUnavailable}.
ExtractedLayer extract_layer(const Source& tar, const std::string& directory, const std::string& recording = {});

}  // namespace hull::archive
