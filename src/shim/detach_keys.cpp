// SPDX-License-Identifier: Apache-2.0
#include "shim/detach_keys.h"

namespace hull::shim {

std::string DetachKeys::pass(std::string_view input) {
  std::string out;
  for (char key : input) {
    if (detached_) break;
    // On a mismatch the longest held beginning that still fits stays held, the rest goes on.
    std::string held = sequence_.substr(0, matched_) + key;
    while (!held.empty() && !sequence_.starts_with(held)) {
      out += held.front();
      held.erase(0, 1);
    }
    matched_ = held.size();
    detached_ = matched_ == sequence_.size();
  }
  return out;
}

}  // namespace hull::shim
