// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "oci/json.h"

namespace hull {

// One YAML document as the JSON that says the same (yaml.org/spec/1.1, core types): plain scalars become null, booleans
// and numbers where they look like it ("0666" is octal), anything quoted stays text. Anchors and merge keys ("<<") are
// resolved. Error{kInvalidArgument} "invalid YAML: line 3: …"; also for more than one document, for keys that are not
// text, and for what is nested deeper than 64.
Json parse_yaml(std::string_view text);

}  // namespace hull
