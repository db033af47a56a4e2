// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "linux/detached_mount.h"
#include "store/changes.h"
#include "store/database.h"
#include "store/layers.h"
#include "store/ready_directories.h"

namespace hull::store {

// The root filesystems of containers: the layers of an image under a writable directory, as overlayfs.
// Thread-safe.
class Snapshots {
 public:
  Snapshots(Database& database, std::string data_root);

  // Makes the writable directories of `owner_id` over `layer_chain_ids` (bottom first; may be empty).
  // Recorded before it is made. Error{kConflict} when the owner has one already, or a layer is not there (any more).
  // What is written may take `size` bytes; 0: as many as there are. With a size: as require_limits().
  void prepare(const std::string& owner_id, const std::vector<std::string>& layer_chain_ids, std::uint64_t size = 0);
  // Error{kInvalidArgument} unless the file system keeps limits of a size.
  void require_limits() const;
  // Keeps layers for `owner_id` without anything to write to: the row alone. remove() as for the others.
  void hold(const std::string& owner_id, const std::vector<std::string>& layer_chain_ids);
  std::vector<std::string> layer_directories(const std::string& owner_id);  // topmost first
  // Overlay of the snapshot, detached. Read-write; `is_volatile` and `id_map` as in OverlayOptions.
  linux::DetachedMount mount(const std::string& owner_id, bool is_volatile = false,
                             std::optional<linux::IdMap> id_map = {});
  // Puts the writable directories out of sight at once (one rename) and deletes them in the background of the
  // caller's choosing: empty_trash(). Idempotent.
  void remove(const std::string& owner_id);
  // Takes layers that nothing uses any more out of the store, and deletes what was put out of sight. Slow.
  void empty_trash();
  // Bytes in the writable directory (apparent sizes of regular files): `docker ps -s` SizeRw.
  std::int64_t size_rw(const std::string& owner_id);
  // How the root file system of `owner_id` differs from its layers; see store/changes.h.
  Changes changes(const std::string& owner_id, const std::function<bool(const std::string& path)>& placeholder);
  std::string upper_directory(const std::string& owner_id) const;
  std::string top_layer_directory(const std::string& owner_id);  // "" without layers
  // Makes the next writable directories ahead. For a background thread.
  void make_ready() { ready_.fill(); }

  Layers& layers() { return layers_; }

 private:
  Database& database_;
  std::string data_root_;
  Layers layers_;
  bool has_quota_;
  ReadyDirectories ready_;
};

}  // namespace hull::store
