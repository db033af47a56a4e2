// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "api/json_reply.h"

namespace hull::api {

// The ways to send JSON objects one after the other: with a newline behind each (jsonlines.org, the older name of the
// same), or a record separator before each as well (RFC 7464).
inline constexpr std::string_view kJsonLines = "application/jsonl", kNdJson = "application/x-ndjson",
                                  kJsonSequence = "application/json-seq";

// Which of them an Accept header (RFC 9110, 12.5.1) names: the one with the highest weight, of equal ones the first of
// the above. Wildcards name none. Empty: none of them.
std::string_view accepted_json_stream(std::string_view accept);

// A JSON object as a record of a stream of that type.
std::string json_record(std::string_view media_type, const JsonValue& object);

}  // namespace hull::api
