// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cli/client.h"

namespace hull::cli {

// "path[:tag][@digest]", what stands behind oci-layout://, as BuildKit has it: without either, the tag "latest", or the
// only image that is there.
struct LayoutReference {
  std::string directory, tag, digest;
};
LayoutReference parse_layout_reference(std::string_view text);

// Sends one image of an OCI image layout (a directory, image-layout.md of the image specification) to the engine,
// without any name, and gives its id. What the engine has already it does not unpack again. Throws
// Error{kInvalidArgument} for what is no layout, kNotFound for an image that is not in it.
std::string load_from_layout(Client& client, std::string_view reference);

}  // namespace hull::cli
