// SPDX-License-Identifier: Apache-2.0
#include "store/recovery.h"

#include <set>

#include "base/file.h"
#include "base/log.h"
#include "store/late_sync.h"
#include "store/layout.h"

namespace hull::store {

namespace {

using Names = std::set<std::string, std::less<>>;

void remove_or_log(const std::string& path) {
  try {
    remove_tree(path);
  } catch (const Error& e) {
    log::warn("left over from an earlier run: ", e.message());
  }
}

void remove_unnamed(const std::string& directory, const Names& named) {
  for (const std::string& name : list_directory(directory))
    if (!named.contains(name)) remove_or_log(cat(directory, "/", name));
}

void add_hex(Names& names, const std::string& digest) {
  if (!digest.empty()) names.emplace(hex_of(digest));
}

}  // namespace

void recover(Database& database, const std::string& data_root) {
  for (const char* directory : {"blobs/sha256", "layers", "snapshots", "containers", "volumes", "incoming"})
    make_directories(cat(data_root, "/", directory), 0710);
  remove_unnamed(data_root + "/incoming", {});

  check_unsynced(database, data_root);
  database.collect_layers();
  Names layers, blobs, snapshots;
  for (const LayerRow& layer : database.layers()) {
    add_hex(layers, layer.chain_id);
    add_hex(blobs, layer.blob_digest);
  }
  for (const ImageRow& image : database.images()) {
    add_hex(blobs, image.id);
    add_hex(blobs, image.manifest_digest);
  }
  for (const std::string& owner : database.snapshots()) snapshots.insert(owner);
  remove_unnamed(data_root + "/layers", layers);
  remove_unnamed(data_root + "/blobs/sha256", blobs);
  remove_unnamed(data_root + "/snapshots", snapshots);
}

}  // namespace hull::store
