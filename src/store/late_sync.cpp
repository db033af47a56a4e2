// SPDX-License-Identifier: Apache-2.0
#include "store/late_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "archive/sha256.h"
#include "archive/tar_split.h"
#include "base/file.h"
#include "base/log.h"
#include "store/layout.h"

namespace hull::store {

namespace {

std::string marks(const std::string& data_root) { return data_root + "/unsynced"; }
std::string mark_of(const std::string& data_root, const std::string& image_id) {
  return cat(marks(data_root), "/", hex_of(image_id));
}

std::string present_boot() { return std::string(trim(read_file("/proc/sys/kernel/random/boot_id"))); }

bool is_whole(const std::string& data_root, const std::string& blob_digest) {
  auto file = open_if_exists(blob_path(data_root, blob_digest), O_RDONLY);
  return file && archive::sha256_digest_of_file(file->get()) == blob_digest;
}

bool is_intact(const std::string& data_root, const LayerRow& layer) {
  try {
    std::string directory = layer_path(data_root, layer.chain_id);
    UniqueFd files = open_file(directory + "/diff", O_RDONLY | O_DIRECTORY);
    auto tar = archive::replayed_tar(directory + "/tar-split", files.get());
    if (!tar) return false;
    archive::Sha256 hash;
    archive::drain(archive::hashed(tar->source, hash));
    return hash.digest() == layer.diff_id && (layer.blob_digest.empty() || is_whole(data_root, layer.blob_digest));
  } catch (const Error& e) {
    log::info("layer ", layer.chain_id, ": ", e.message());
    return false;
  }
}

// The configuration is in the row, too. A manifest that is lost is one that the image does not have: it is pushed with
// a new one.
void restore_texts(const std::string& data_root, const ImageRow& image) {
  if (!is_whole(data_root, image.id)) write_file_atomically(blob_path(data_root, image.id), image.config);
  if (!image.manifest_digest.empty() && !is_whole(data_root, image.manifest_digest))
    remove_tree(blob_path(data_root, image.manifest_digest));
}

bool is_intact(Database& database, const std::string& data_root, const ImageRow& image) {
  for (const std::string& chain_id : image.layer_chain_ids) {
    auto layer = database.layer(chain_id);
    if (!layer || !is_intact(data_root, *layer)) return false;
  }
  return true;
}

}  // namespace

void sync_files(const std::string& data_root) {
  UniqueFd fd = open_file(data_root, O_RDONLY | O_DIRECTORY);
  check(::syncfs(fd.get()), "syncfs", data_root);
}

void mark_unsynced(const std::string& data_root, const std::string& image_id) {
  make_directories(marks(data_root), 0700);
  // Not renamed into its place, which would be a second wait: a mark that is cut off is of no boot, and so of another.
  std::string path = mark_of(data_root, image_id);
  UniqueFd mark = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  write_all(mark.get(), present_boot() + "\n");
  check(::fsync(mark.get()), "fsync", path);
  UniqueFd directory = open_file(marks(data_root), O_RDONLY | O_DIRECTORY);
  check(::fsync(directory.get()), "fsync", marks(data_root));
}

bool anything_unsynced(const std::string& data_root) { return !list_directory(marks(data_root)).empty(); }

void sync_in_background(const std::string& data_root, const std::string& image_id, std::function<void()> synced) {
  // Whoever ends the engine meanwhile loses nothing: the mark stays, and the next start syncs.
  std::thread([data_root, mark = mark_of(data_root, image_id), synced = std::move(synced)] {
    try {
      sync_files(data_root);
      ::unlink(mark.c_str());
      synced();
    } catch (const std::exception& e) {
      log::warn("images are not on the disk yet: ", e.what());
    }
  }).detach();
}

void check_unsynced(Database& database, const std::string& data_root) {
  auto names = list_directory(marks(data_root));
  if (names.empty()) return;
  std::string boot = present_boot();
  for (const std::string& name : names) {
    std::string mark = cat(marks(data_root), "/", name);
    if (trim(read_if_exists(mark).value_or("")) == boot) continue;
    auto image = database.image("sha256:" + name);
    if (!image) continue;
    if (is_intact(database, data_root, *image)) {
      restore_texts(data_root, *image);
      continue;
    }
    log::warn("image sha256:", name,
              " did not reach the disk before the machine stopped, and is removed: pull or load it again");
    database.remove_image(image->id);
  }
  sync_files(data_root);
  for (const std::string& name : names) remove_tree(cat(marks(data_root), "/", name));
}

}  // namespace hull::store
