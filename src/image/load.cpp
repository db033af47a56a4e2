// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "archive/confined.h"
#include "archive/layer.h"
#include "archive/placement.h"
#include "archive/sha256.h"
#include "base/file.h"
#include "base/rollback.h"
#include "image/archive_index.h"
#include "image/state.h"
#include "oci/json.h"
#include "oci/platform.h"
#include "store/layout.h"

// docker load: the archive is written to incoming/ as it comes (its table of contents is at its end), then its
// layers are extracted side by side, then the image is committed.
namespace hull::image {

namespace {

constexpr int kAttempts = 3;

void spool(const Source& tar, int root) {
  archive::Source plain = archive::read_ahead(archive::decompress(tar));
  archive::TarReader reader(plain);
  archive::Placement placement(root, archive::Whiteouts::kLiteral);
  while (const archive::Entry* entry = reader.next()) {
    bool ordinary = entry->is(S_IFREG) || entry->is(S_IFDIR) || entry->is(S_IFLNK) || !entry->hard_link.empty();
    if (!ordinary) fail_invalid("invalid image archive: ", hull::quoted(entry->name), " is no file, directory or link");
    placement.place(*entry, reader);
  }
  archive::drain(plain);
}

// Runs task(0) to task(count - 1), a few at a time; throws the first exception, after all have ended.
template <class Task>
void side_by_side(std::size_t count, Task task) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr failure;
  auto work = [&] {
    for (std::size_t at; !failed && (at = next++) < count;) {
      try {
        task(at);
      } catch (...) {
        if (!failed.exchange(true)) failure = std::current_exception();
      }
    }
  };
  {
    std::size_t workers = std::min<std::size_t>(count, std::max(2u, std::thread::hardware_concurrency()));
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < workers; ++i) threads.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

// What one layer of an image in the archive becomes.
struct Wanted {
  std::size_t position;
  std::string chain_id, parent;
};

class Loader {
 public:
  Loader(store::Database& database, const std::string& base, int root, const ArchivedImage& image)
      : database_(database), base_(base), root_(root), image_(image) {
    config_ = from_json<oci::ImageConfig>(parse_json(image.config));
    check_config();
    row_.id = archive::sha256_digest(image.config);
    row_.config = image.config;
    row_.manifest_digest = image.manifest_digest;
    for (const std::string& diff_id : config_.rootfs.diff_ids)
      row_.layer_chain_ids.push_back(
          store::Layers::chain_id(row_.layer_chain_ids.empty() ? "" : row_.layer_chain_ids.back(), diff_id));
  }

  // Extracts what the store does not have. The result is complete for Layers::commit().
  void stage(int attempt) {
    staged_.clear();
    std::vector<Wanted> wanted;
    std::string parent;
    for (std::size_t i = 0; i < row_.layer_chain_ids.size(); ++i) {
      if (!database_.layer(row_.layer_chain_ids[i])) wanted.push_back({i, row_.layer_chain_ids[i], parent});
      parent = row_.layer_chain_ids[i];
    }
    staged_.resize(wanted.size());
    side_by_side(wanted.size(), [&](std::size_t i) {
      std::string directory = cat(base_, "/layers-", row_.id.substr(7, 12), "-", attempt, "-", wanted[i].position);
      staged_[i] = extract(wanted[i], directory);
    });
    row_.size = 0;
    for (const auto& layer : staged_) row_.size += layer.row.size;
    for (const std::string& chain_id : row_.layer_chain_ids)
      if (auto known = database_.layer(chain_id)) row_.size += known->size;
    row_.created = now().nanoseconds;
  }

  // The archive may go: what is kept of it gets a place of its own.
  void take_blobs() {
    for (std::size_t i = 0; i < staged_.size(); ++i) {
      if (staged_[i].blob.empty()) continue;
      std::string own = cat(base_, "/blob-", row_.id.substr(7, 12), "-", i);
      check(::link(staged_[i].blob.c_str(), own.c_str()), "link", own);
      staged_[i].blob = own;
    }
  }

  const store::ImageRow& row() const { return row_; }
  const std::vector<store::StagedLayer>& staged() const { return staged_; }

 private:
  void check_config() const {
    if (!config_.os.empty() && config_.os != "linux") fail_invalid("cannot load ", config_.os, " image on linux");
    for (const std::string& diff_id : config_.rootfs.diff_ids)
      if (!oci::is_digest(diff_id)) fail_invalid("invalid image config: ", hull::quoted(diff_id), " is not a digest");
    if (config_.rootfs.diff_ids.size() != image_.layers.size())
      fail_invalid("invalid manifest, layers length mismatch: expected ", config_.rootfs.diff_ids.size(), ", got ",
                   image_.layers.size());
  }

  store::StagedLayer extract(const Wanted& wanted, const std::string& directory) const {
    const ArchivedLayer& from = image_.layers[wanted.position];
    UniqueFd file = open_member(root_, from.file);
    archive::Sha256 hash;
    archive::Source raw = archive::hashed(archive::file_source(file.get()), hash);
    make_directories(directory, 0710);
    archive::ExtractedLayer extracted = archive::extract_layer(raw, directory + "/diff", directory + "/tar-split");
    archive::drain(raw);
    std::string blob_digest = hash.digest();
    if (!from.digest.empty() && blob_digest != from.digest)
      fail_invalid("layer ", from.file, " of the archive is damaged: expected ", from.digest, ", got ", blob_digest);
    const std::string& expected = config_.rootfs.diff_ids[wanted.position];
    if (extracted.diff_id != expected)
      fail_invalid("invalid diffID for layer ", wanted.position, ": expected ", hull::quoted(expected), ", got ",
                   hull::quoted(extracted.diff_id));
    store::StagedLayer staged;
    staged.directory = directory;
    staged.row = {wanted.chain_id, extracted.diff_id, wanted.parent, "", "", extracted.size};
    if (extracted.compression != archive::Compression::kNone) keep_blob(staged, from, file.get(), blob_digest);
    return staged;
  }

  // A push can then send the very bytes that came.
  static void keep_blob(store::StagedLayer& staged, const ArchivedLayer& from, int file, const std::string& digest) {
    std::string path(4096, '\0');
    ssize_t size = ::readlink(cat("/proc/self/fd/", file).c_str(), path.data(), path.size());
    path.resize(static_cast<std::size_t>(check(size, "readlink", from.file)));
    staged.blob = path;
    staged.row.blob_digest = digest;
    staged.row.media_type = from.media_type;
  }

  store::Database& database_;
  const std::string& base_;
  int root_;
  const ArchivedImage& image_;
  oci::ImageConfig config_;
  store::ImageRow row_;
  std::vector<store::StagedLayer> staged_;
};

}  // namespace

std::vector<std::string> Images::load(const Source& tar, const std::vector<oci::Platform>& platforms) {
  std::string base = store::incoming_path(state_->data_root, "load");
  Rollback cleanup;
  cleanup.add("incoming archive", [&] { remove_tree(base); });
  make_directories(base + "/archive", 0700);
  UniqueFd root = open_file(base + "/archive", O_RDONLY | O_DIRECTORY);
  spool(tar, root.get());

  std::vector<ArchivedImage> images;
  for (const oci::Platform& platform : platforms.empty() ? std::vector{oci::host_platform()} : platforms)
    for (ArchivedImage& image : read_archive_index(root.get(), platform)) images.push_back(std::move(image));
  std::vector<std::string> loaded;
  for (std::size_t at = 0; at < images.size(); ++at) {
    const ArchivedImage& image = images[at];
    bool last = at + 1 == images.size();
    Loader loader(state_->database, base, root.get(), image);
    std::vector<std::string> references;
    for (const auto& reference : image.references) references.push_back(reference.canonical());
    for (int attempt = 0;; ++attempt) {
      loader.stage(attempt);
      // What is removed before it was written to the disk never is: half of the work of loading.
      if (last) {
        loader.take_blobs();
        remove_tree(base + "/archive");
      }
      try {
        state_->commit(loader.row(), loader.staged(), references, image.manifest);
        break;
      } catch (const Error& e) {
        // Somebody removed an image that shared a layer with this one.
        if (e.kind() != Kind::kConflict || attempt + 1 == kAttempts || last) throw;
      }
    }
    const std::string& id = loader.row().id;
    std::vector<Event> events{{"load", id, id}};
    for (const auto& reference : image.references) {
      loaded.push_back(cat("Loaded image: ", reference.familiar()));
      events.push_back({"tag", id, reference.familiar()});
    }
    if (image.references.empty()) loaded.push_back(cat("Loaded image ID: ", id));
    state_->tell(events);
  }
  return loaded;
}

}  // namespace hull::image
