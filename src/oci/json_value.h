// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

namespace hull {

// A document that keeps the order of its members. Heavy: see oci/json.h.
using Json = nlohmann::ordered_json;

}  // namespace hull
