// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "archive/source.h"

namespace hull::archive {

// `plain` as gzip (RFC 1952, one member). Blocks are compressed side by side, each without looking at those before it:
// the same bytes come out whatever the number of threads, on one kind of processor (ISA-L has code of its own for
// each). Threads end with the last copy of the result. Exceptions of `plain` are thrown to the reader.
Source gzip_compressed(Source plain);

}  // namespace hull::archive
