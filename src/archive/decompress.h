// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "archive/source.h"

namespace hull::archive {

enum class Compression : unsigned char { kNone, kGzip, kZstd, kXz, kBzip2 };
std::string_view to_string(Compression compression);

// What the first bytes of a stream say about it.
Compression detect_compression(std::string_view beginning);

// The decompressed bytes of a stream that is recognised by its first bytes; plain streams pass through. Several
// gzip members or zstd frames in a row are one stream, as with the tools. Damaged or truncated data is
// Error{kInvalidArgument}. `detected` (optional) tells what it was. Reads the beginning of `source` at once.
Source decompress(Source source, Compression* detected = nullptr);

}  // namespace hull::archive
