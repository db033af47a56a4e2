// SPDX-License-Identifier: Apache-2.0
#include "api/json_stream.h"

#include <optional>

#include "base/text.h"
#include "oci/json.h"

namespace hull::api {

namespace {

// The weight of one entry's parameters, in thousandths; 1000 where it says nothing, 0 for what is no weight.
int weight_of(std::string_view parameters) {
  for (std::optional<std::string_view> rest = parameters; rest;) {
    auto [parameter, more] = split_once(*rest, ';');
    auto [name, value] = split_once(trim(parameter), '=');
    rest = more;
    if (lower(trim(name)) != "q" || !value) continue;
    auto [whole, fraction] = split_once(trim(*value), '.');
    std::string digits{fraction.value_or("")};
    digits.resize(3, '0');
    auto thousandths = parse_number<int>(digits);
    if ((whole != "0" && whole != "1") || !thousandths) return 0;
    return whole == "1" ? 1000 : *thousandths;
  }
  return 1000;
}

// Of a media type in an Accept header; 0 when it is not there.
int weight_of(std::string_view accept, std::string_view media_type) {
  int best = 0;
  for (std::optional<std::string_view> rest = accept; rest;) {
    auto [entry, more] = split_once(*rest, ',');
    auto [name, parameters] = split_once(entry, ';');
    if (lower(trim(name)) == media_type) best = std::max(best, weight_of(parameters.value_or("")));
    rest = more;
  }
  return best;
}

}  // namespace

std::string_view accepted_json_stream(std::string_view accept) {
  std::string_view best;
  int best_weight = 0;
  for (std::string_view offer : {kJsonLines, kNdJson, kJsonSequence}) {
    int weight = weight_of(accept, offer);
    if (weight > best_weight) best = offer, best_weight = weight;
  }
  return best;
}

std::string json_record(std::string_view media_type, const JsonValue& object) {
  return cat(media_type == kJsonSequence ? "\x1e" : "", dump_json(object), "\n");
}

}  // namespace hull::api
