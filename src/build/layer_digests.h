// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>

#include "build/file_tree.h"

namespace hull::build {

// Content digests of the files that a COPY has put into its layer, by their paths in it ("/app/main.c"). Kept in the
// layer's directory, so that the next COPY to the same place can give what has not changed another name instead of
// copying it.
class LayerDigests {
 public:
  LayerDigests() = default;
  // Of the layer in `directory`; empty when nothing was kept there, or when it is broken.
  static LayerDigests of_layer(const std::string& directory);

  // The last one counts.
  void add(std::string path, const FileDigest& digest) { digests_.insert_or_assign(std::move(path), digest); }
  void forget(const std::string& path) { digests_.erase(path); }
  const FileDigest* find(const std::string& path) const;
  bool empty() const { return digests_.empty(); }
  // Into the directory of a layer that is being made. Not synced: without it files are copied.
  void save(const std::string& directory) const;

 private:
  std::unordered_map<std::string, FileDigest> digests_;
};

}  // namespace hull::build
