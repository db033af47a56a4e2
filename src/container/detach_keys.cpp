// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "container/normalize.h"

namespace hull::container {

namespace {

constexpr std::string_view kControl = "ctrl-";
// What a terminal sends for Control with these is their place in this text, counted from 0.
constexpr std::string_view kControlled = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

}  // namespace

std::string parse_detach_keys(std::string_view text) {
  std::string bytes;
  if (text.empty()) return bytes;
  for (std::string_view key : split(text, ',')) {
    if (key.size() == 1) {
      bytes += key[0];
      continue;
    }
    auto code = key.starts_with(kControl) && key.size() == kControl.size() + 1 ? kControlled.find(key.back())
                                                                               : std::string_view::npos;
    if (code == std::string_view::npos) fail_invalid("Invalid detach keys (", text, ") provided");
    bytes += static_cast<char>(code);
  }
  return bytes;
}

}  // namespace hull::container
