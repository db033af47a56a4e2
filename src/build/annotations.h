// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "build/request.h"

namespace hull::build {

// Where an annotation of an image goes (image-spec, annotations.md; buildx' notation "[TYPE:]KEY").
struct Annotations {
  StringMap manifest;    // of the manifest
  StringMap descriptor;  // of what points to it in an index
};

// --annotation, and the attributes "annotation.KEY" and "annotation-TYPE.KEY" of an output. Error{kInvalidArgument} for
// those of an index: a build for one platform makes none.
Annotations annotations_of(const Request& request, const Output& output);

}  // namespace hull::build
