// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "oci/json_reader.h"
#include "oci/json_value.h"
#include "oci/json_writer.h"

// JSON of structs that have a fields() list. Reading is as forgiving as Go's encoding/json, which every
// client was written against: unknown keys are skipped, null and missing are the empty value, keys match
// without regard to case when there is no exact match. A value of the wrong type is refused with the path
// of its field. Heavy header: include it in .cpp files only, and in few.
namespace hull {

template <class T>
Json to_json(const T& value) {
  // fields() lists references so that readers can use it too; a writer only looks.
  return json_detail::Writer::write(const_cast<T&>(value));
}

// Throws Error{kInvalidArgument} with the path of the field that does not fit.
template <class T>
T from_json(const Json& in) {
  T value{};
  json_detail::Reader::read(in, value, json_detail::Path());
  return value;
}

// Text to JSON. Throws Error{kInvalidArgument} "invalid JSON: …" as Docker words it.
Json parse_json(std::string_view text);
// JSON to text: no blanks, no HTML escapes; bytes that are not UTF-8 become U+FFFD.
std::string dump_json(const Json& value);

}  // namespace hull
