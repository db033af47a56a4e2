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

struct RecordOptions {
  std::string recording;   // as of extract_layer()
  bool with_root = false;  // the root directory's own entry is a part of it
};
// The other way round: `directory` (open), the writable directory of an overlay that is not mounted any more, as a
// layer: its tar is read once, to be hashed and recorded, and is written nowhere. A directory without entries is the
// layer kEmptyLayer.
ExtractedLayer record_layer(int directory, const RecordOptions& options);

// The digest of a tar without entries: two blocks of zeros.
inline constexpr std::string_view kEmptyLayer =
    "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

}  // namespace hull::archive
