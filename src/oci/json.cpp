// SPDX-License-Identifier: Apache-2.0
#include "oci/json.h"

namespace hull {

Json parse_json(std::string_view text) {
  if (trim(text).empty()) fail_invalid("invalid JSON: EOF");
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    fail_invalid("invalid JSON: syntax error at byte ", e.byte);
  }
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace hull
