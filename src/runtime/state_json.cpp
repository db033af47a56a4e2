// SPDX-License-Identifier: Apache-2.0
#include "runtime/state_json.h"

namespace hull::runtime {

std::string json_text(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += cat("\\u00", kDigits[byte >> 4], kDigits[byte & 15]);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string state_json(const HookState& state) {
  std::string annotations;
  for (const auto& [key, value] : state.annotations)
    annotations += cat(annotations.empty() ? "" : ",", json_text(key), ":", json_text(value));
  std::string json = cat(R"({"ociVersion":)", json_text(oci::kRuntimeSpecVersion), R"(,"id":)", json_text(state.id),
                         R"(,"status":)", json_text(state.status));
  if (state.pid > 0) json += cat(R"(,"pid":)", state.pid);
  json += cat(R"(,"bundle":)", json_text(state.bundle));
  if (!annotations.empty()) json += cat(R"(,"annotations":{)", annotations, "}");
  return json + "}";
}

}  // namespace hull::runtime
