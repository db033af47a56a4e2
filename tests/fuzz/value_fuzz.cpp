// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/value.h"
#include "oci_targets.h"

namespace {

// Of texts, the command line takes more than the library: bytes as they are, and half a pair of surrogates.
bool has_only_plain_texts(std::string_view json) {
  return json.find("\\u") == json.npos && std::ranges::all_of(json, [](char c) { return c >= 0x20 && c < 0x7F; });
}

// The command line has a reader of its own for JSON: what the library takes it takes too, as the same, and what it
// writes it reads.
void check(std::string_view json) {
  // Where there is a zero byte, the library sees the end.
  bool valid = json.find('\0') == json.npos && nlohmann::json::accept(json);
  try {
    std::string written = hull::cli::to_json(hull::cli::parse_value(json));
    hull::fuzz::require(hull::cli::to_json(hull::cli::parse_value(written)) == written,
                        "what is written is read again");
    hull::fuzz::require(valid || !has_only_plain_texts(json), "what the library refuses is refused");
    if (valid) hull::fuzz::require(nlohmann::json::parse(json) == nlohmann::json::parse(written), "it is the same");
  } catch (const hull::Error& error) {
    bool deep = std::count(json.begin(), json.end(), '[') + std::count(json.begin(), json.end(), '{') > 900;
    hull::fuzz::require(!valid || deep, error.message());
  }
}

}  // namespace

HULL_FUZZ_TARGET(check, hull::oci::kManifestSeeds)
