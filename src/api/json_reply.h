// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "api/call.h"

namespace hull::api {

using JsonValue = nlohmann::ordered_json;

// {"message": …}
std::string error_body(std::string_view message);

void reply(Call& call, int status, const JsonValue& body);
// The body of the request as JSON. Error{kInvalidArgument} for a wrong Content-Type, for invalid JSON, for something
// after it, and for an empty body unless `optional` (null then).
JsonValue json_body(Call& call, bool optional = false);

}  // namespace hull::api
