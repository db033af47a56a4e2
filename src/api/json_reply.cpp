// SPDX-License-Identifier: Apache-2.0
#include "api/json_reply.h"

#include "oci/json.h"

namespace hull::api {

namespace {
constexpr std::size_t kBodyLimit = 16 << 20;
}

std::string error_body(std::string_view message) {
  Json body;
  body["message"] = message;
  return dump_json(body) + "\n";
}

void reply(Call& call, int status, const JsonValue& body) { call.response.send(status, kJson, dump_json(body) + "\n"); }

JsonValue json_body(Call& call, bool optional) {
  std::string text = call.request.read_all(kBodyLimit);
  if (trim(text).empty()) {
    if (optional) return nullptr;
    fail_invalid("invalid JSON: EOF");
  }
  std::string_view type = call.request.header("Content-Type");
  std::string_view media_type = trim(split_once(type, ';').first);
  if (!equals_ignoring_case(media_type, kJson))
    fail_invalid("unsupported Content-Type header (", type, "): must be 'application/json'");
  return parse_json(text);
}

}  // namespace hull::api
