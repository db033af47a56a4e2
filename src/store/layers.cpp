// SPDX-License-Identifier: Apache-2.0
#include "store/layers.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "archive/sha256.h"
#include "base/file.h"
#include "store/late_sync.h"
#include "store/layout.h"

namespace hull::store {

Layers::Layers(Database& database, std::string data_root)
    : database_(database), data_root_(std::move(data_root)), owner_(std::make_shared<Owner>()) {
  owner_->layers = this;
}

Layers::~Layers() {
  std::lock_guard guard(owner_->mutex);
  owner_->layers = nullptr;
}

std::string Layers::chain_id(const std::string& parent_chain_id, const std::string& diff_id) {
  if (parent_chain_id.empty()) return diff_id;
  return archive::sha256_digest(cat(parent_chain_id, " ", diff_id));
}

// Files first, rows last: files without rows are what the next start removes, rows without files would be a broken
// image.
void Layers::commit(const ImageRow& image, const std::vector<StagedLayer>& staged,
                    const std::vector<std::string>& references, const std::string& manifest) {
  std::lock_guard guard(mutex_);
  // Nothing is moved before it is sure that all are there: whoever tries again has his layers where they were.
  std::vector<const StagedLayer*> missing;
  for (const std::string& chain_id : image.layer_chain_ids) {
    if (database_.layer(chain_id)) continue;
    auto layer = std::ranges::find(staged, chain_id, [](const StagedLayer& s) { return s.row.chain_id; });
    if (layer == staged.end()) fail(Kind::kConflict, "layer ", chain_id, " was removed while its image came in");
    missing.push_back(&*layer);
  }
  std::vector<LayerRow> rows;
  for (const StagedLayer* layer : missing) {
    place(*layer);
    rows.push_back(layer->row);
  }
  // An image of nothing but layers of another one is no safer than that one; one of a build has layers that nobody has
  // waited for yet.
  bool later = !rows.empty() || database_.has_unsynced_build_records() || anything_unsynced(data_root_);
  // What is marked does not have to be on the disk yet. Each time that somebody waits for it costs as much as a
  // thousand files.
  Durability durability = later ? Durability::kProcessCrash : Durability::kPowerLoss;
  place_blob(image.id, image.config, durability);
  // The manifest that an image came with first is the one that it keeps.
  auto known = database_.image(image.id);
  if (!manifest.empty() && (!known || known->manifest_digest.empty()))
    place_blob(image.manifest_digest, manifest, durability);
  if (later) mark_unsynced(data_root_, image.id);
  database_.add_image(image, rows, references);
  if (!later) return;
  sync_in_background(data_root_, image.id, [owner = owner_, steps = steps_] {
    std::lock_guard lock(owner->mutex);
    if (owner->layers) owner->layers->steps_are_synced(steps);
  });
}

// As long as builds go on, nobody knows which of their files were there in time: the next image is theirs.
void Layers::steps_are_synced(std::uint64_t steps) {
  std::lock_guard guard(mutex_);
  if (steps == steps_) database_.build_records_are_synced();
}

void Layers::commit_step(const BuildRecord& record, const StagedLayer* staged) {
  std::lock_guard guard(mutex_);
  std::vector<LayerRow> rows;
  if (staged && !database_.layer(staged->row.chain_id)) {
    place(*staged);
    rows.push_back(staged->row);
  }
  ++steps_;
  database_.put_build_record(record, rows);
}

void Layers::place(const StagedLayer& layer) {
  std::string target = layer_path(data_root_, layer.row.chain_id);
  // Something without a row is left from a transaction that failed.
  move_to_trash(data_root_, target);
  check(::rename(layer.directory.c_str(), target.c_str()), "rename", target);
  if (layer.blob.empty()) return;
  std::string blob = blob_path(data_root_, layer.row.blob_digest);
  // One file can be the blob of several layers.
  if (::link(layer.blob.c_str(), blob.c_str()) < 0 && errno != EEXIST) throw_errno("link", blob);
}

void Layers::place_blob(const std::string& digest, const std::string& content, Durability durability) {
  std::string path = blob_path(data_root_, digest);
  if (!exists(path)) write_file_atomically(path, content, 0644, durability);
}

void Layers::collect() {
  std::lock_guard guard(mutex_);
  collect_locked();
}

void Layers::remove_image(const std::string& id) {
  std::lock_guard guard(mutex_);
  auto image = database_.image(id);
  if (!image) return;
  database_.remove_image(id);
  trash_blob(id);
  trash_blob(image->manifest_digest);
  collect_locked();
}

void Layers::collect_locked() {
  for (const LayerRow& layer : database_.collect_layers()) {
    move_to_trash(data_root_, layer_path(data_root_, layer.chain_id));
    trash_blob(layer.blob_digest);
  }
}

// Two layers can share a blob (the same diff on different parents), two images a manifest.
void Layers::trash_blob(const std::string& digest) {
  if (digest.empty()) return;
  auto uses = [&](const auto& rows, auto member) { return std::ranges::find(rows, digest, member) != rows.end(); };
  auto images = database_.images();
  if (uses(database_.layers(), &LayerRow::blob_digest) || uses(images, &ImageRow::id) ||
      uses(images, &ImageRow::manifest_digest))
    return;
  move_to_trash(data_root_, blob_path(data_root_, digest));
}

}  // namespace hull::store
