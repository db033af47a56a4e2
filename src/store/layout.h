// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

// Where things lie in the data root (the tree is drawn in store/database.h).
namespace hull::store {

// The file name of a digest: "sha256:<hex>" without its algorithm.
inline std::string_view hex_of(std::string_view digest) {
  auto colon = digest.find(':');
  return colon == digest.npos ? digest : digest.substr(colon + 1);
}

inline std::string blob_path(const std::string& data_root, std::string_view digest) {
  return cat(data_root, "/blobs/sha256/", hex_of(digest));
}
inline std::string layer_path(const std::string& data_root, std::string_view chain_id) {
  return cat(data_root, "/layers/", hex_of(chain_id));
}
inline std::string snapshot_path(const std::string& data_root, std::string_view owner_id) {
  return cat(data_root, "/snapshots/", owner_id);
}

// Moves a directory or file out of sight, to be deleted later (what the engine does not come to, the next start
// does). Idempotent: false when it was not there. One rename(2).
bool move_to_trash(const std::string& data_root, const std::string& path);

// A fresh name in incoming/, for work that is renamed into its place when it is whole.
std::string incoming_path(const std::string& data_root, std::string_view what);

}  // namespace hull::store
