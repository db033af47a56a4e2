// SPDX-License-Identifier: Apache-2.0
#include "linux/child.h"
#include "runtime/runtime.h"

namespace hull::runtime {

namespace {

// A JSON text, written by hand: a JSON library would double the size of the static programs.
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
  std::string json =
      cat(R"({"ociVersion":"1.2.0","id":)", json_text(state.id), R"(,"status":)", json_text(state.status));
  if (state.pid > 0) json += cat(R"(,"pid":)", state.pid);
  json += cat(R"(,"bundle":)", json_text(state.bundle));
  if (!annotations.empty()) json += cat(R"(,"annotations":{)", annotations, "}");
  return json + "}";
}

}  // namespace

void run_hooks(const std::vector<oci::Hook>& hooks, const HookState& state) {
  if (hooks.empty()) return;
  std::string json = state_json(state);
  for (const auto& hook : hooks) linux::run_with_input(hook.path, hook.args, hook.env, json, hook.timeout.value_or(0));
}

}  // namespace hull::runtime
