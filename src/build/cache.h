// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/sha256.h"
#include "store/database.h"

// Keys of the cache: the digest of everything that a step's result depends on. A key names content (layers, digests of
// files), never a build or a time, so that it means the same in every build and on every machine.
namespace hull::build {

class KeyMaker {
 public:
  explicit KeyMaker(std::string_view kind) { add(kind); }
  KeyMaker& add(std::string_view part);  // each part is set off from the next
  KeyMaker& add(const std::vector<std::string>& parts);
  std::string digest() { return hash_.digest(); }

 private:
  archive::Sha256 hash_;
};

// Kinds of records, as `docker builder du` and the filter "type" have them.
inline constexpr std::string_view kRegular = "regular", kCacheMount = "exec.cachemount";
inline constexpr std::string_view kHttpSource = "source.http", kGitSource = "source.git.checkout";
// hull's own, which have no size: the time that an image without new layers got, and the digest of files in layers.
inline constexpr std::string_view kImageTime = "image", kContent = "content";

}  // namespace hull::build
