// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/database.h"

namespace hull::store {

// A layer that is extracted and waits in incoming/ for its image to be whole.
struct StagedLayer {
  LayerRow row;
  std::string directory;  // in incoming/, with diff/ in it
  std::string blob;       // file in incoming/ of row.blob_digest, which is linked; "" when none is kept
};

// The layers' files and rows change together, here and nowhere else: the lock keeps an image that comes in apart
// from the garbage collection of one that goes. It is held for renames and one transaction. Thread-safe.
class Layers {
 public:
  Layers(Database& database, std::string data_root);
  ~Layers();

  // "sha256:…" of a layer on top of others (image-spec, config.md, "Layer ChainID").
  static std::string chain_id(const std::string& parent_chain_id, const std::string& diff_id);

  // Moves the staged layers to their places and adds the image with its references, in one transaction. Layers of
  // `image` that are not staged must be in the store already, else Error{kConflict}: somebody removed them
  // meanwhile, the caller may try again. The image's config becomes a blob, and so does `manifest` (the text of
  // image.manifest_digest) unless it is empty.
  void commit(const ImageRow& image, const std::vector<StagedLayer>& staged, const std::vector<std::string>& references,
              const std::string& manifest = {});
  // Moves the layer of a build step to its place and records the step, without waiting for the disk: it gets there with
  // the next image. A layer that is there already stays; `staged` may be null.
  void commit_step(const BuildRecord& record, const StagedLayer* staged);
  // Removes the rows of layers that nothing uses and puts their files into the trash.
  void collect();
  // The same after taking an image away.
  void remove_image(const std::string& id);

 private:
  // How the thread that brings an image to the disk finds who started it; it may outlive it.
  struct Owner {
    std::mutex mutex;
    Layers* layers;
  };

  void steps_are_synced(std::uint64_t steps);
  void place(const StagedLayer& layer);
  void place_blob(const std::string& digest, const std::string& content, Durability durability);
  void collect_locked();
  void trash_blob(const std::string& digest);

  Database& database_;
  std::string data_root_;
  std::mutex mutex_;
  std::uint64_t steps_ = 0;  // of builds that were recorded
  std::shared_ptr<Owner> owner_;
};

}  // namespace hull::store
