// SPDX-License-Identifier: Apache-2.0
#include "oci/json.h"

#include <sstream>

namespace hull {

namespace {

// A value and then something else, as opposed to a broken value.
bool begins_with_value(std::string_view text) {
  try {
    std::istringstream in{std::string(text)};
    Json value;
    in >> value;
    return true;
  } catch (const nlohmann::json::parse_error&) {
    return false;
  }
}

}  // namespace

Json parse_json(std::string_view text) {
  if (trim(text).empty()) fail_invalid("invalid JSON: EOF");
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    if (begins_with_value(text)) fail_invalid("unexpected content after JSON");
    fail_invalid("invalid JSON: syntax error at byte ", e.byte);
  }
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace hull
