// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "build/cache.h"

namespace hull::build {

// One thing that a step's result depends on, in words that `hull build --why` can show.
struct KeyPart {
  std::string label, value;
};
template <class Visitor>
void fields(Visitor& visit, KeyPart& value) {
  visit("label", value.label);
  visit("value", value.value);
}

// Labels that --why looks at more closely.
inline constexpr std::string_view kLayersBelow = "layers below", kFiles = "files", kVariables = "variables";
inline constexpr char kBetweenItems = '\x1f';  // in the value of a list

// The key of a step, and what it was made of.
class StepKey {
 public:
  explicit StepKey(std::string_view kind) : maker_(kind) {}

  StepKey& add(std::string_view label, std::string_view value) {
    maker_.add(value);
    if (!value.empty()) parts_.push_back({std::string(label), std::string(value)});
    return *this;
  }
  StepKey& add(std::string_view label, const std::vector<std::string>& list) {
    maker_.add(list);
    if (!list.empty()) parts_.push_back({std::string(label), join(list, std::string_view(&kBetweenItems, 1))});
    return *this;
  }
  // Files, by the digest of their content. `listing` tells them one by one, a line each: it is asked for only when the
  // step has to be done.
  StepKey& add_files(const std::string& digest, std::function<std::string()> listing) {
    add(kFiles, digest);
    listings_.emplace_back(digest, std::move(listing));
    return *this;
  }
  // What another key, which is whole, says: a part of this one.
  StepKey& add(StepKey& other) {
    maker_.add(other.digest());
    parts_.insert(parts_.end(), other.parts_.begin(), other.parts_.end());
    listings_.insert(listings_.end(), other.listings_.begin(), other.listings_.end());
    return *this;
  }

  // Nothing can be added any more.
  const std::string& digest() {
    if (digest_.empty()) digest_ = maker_.digest();
    return digest_;
  }
  const std::vector<KeyPart>& parts() const { return parts_; }
  using Listing = std::pair<std::string, std::function<std::string()>>;
  const std::vector<Listing>& listings() const { return listings_; }

 private:
  KeyMaker maker_;
  std::string digest_;
  std::vector<KeyPart> parts_;
  std::vector<Listing> listings_;
};

}  // namespace hull::build
