// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/value.h"

namespace hull::cli {

// `images --tree`: the answer of GET /images/json?manifests=1 as a table, each image with what it has for which
// platform below it.
std::string image_tree(const Value& images);

}  // namespace hull::cli
