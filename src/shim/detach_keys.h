// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hull::shim {

// Looks for a key sequence in what a client types, also when it arrives in several pieces. The beginning of a
// possible sequence is held back until it is certain.
class DetachKeys {
 public:
  explicit DetachKeys(std::string sequence) : sequence_(std::move(sequence)) {}

  // What goes on to the process. After the sequence was seen, detached() is true and the rest is dropped.
  std::string pass(std::string_view input);
  bool detached() const { return detached_; }
  bool enabled() const { return !sequence_.empty(); }

 private:
  std::string sequence_;
  std::size_t matched_ = 0;
  bool detached_ = false;
};

}  // namespace hull::shim
