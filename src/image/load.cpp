// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "archive/layer.h"
#include "archive/sha256.h"
#include "archive/tar_split.h"
#include "base/file.h"
#include "base/rollback.h"
#include "image/archive_index.h"
#include "image/archive_intake.h"
#include "image/state.h"
#include "oci/json.h"
#include "oci/platform.h"
#include "store/layout.h"

// docker load: the archive's layers are extracted as they come (archive_intake.h), then its table of contents, which
// may be at its end, says what they are, then the images are committed.
namespace hull::image {

namespace {

constexpr int kAttempts = 3;

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
  Loader(store::Database& database, const std::string& data_root, const std::string& base, ArchiveIntake& intake,
         const ArchivedImage& image, std::string parent)
      : database_(database), data_root_(data_root), base_(base), intake_(intake), image_(image) {
    config_ = from_json<oci::ImageConfig>(parse_json(image.config));
    check_config();
    row_.id = archive::sha256_digest(image.config);
    row_.config = image.config;
    row_.manifest_digest = image.manifest_digest;
    row_.parent = std::move(parent);
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
    UniqueFd file = open_member(intake_.root(), from.file);
    if (const ReceivedLayer* received = intake_.layer(file.get())) return take(*received, wanted, directory);
    archive::Sha256 hash;
    archive::Source raw = archive::hashed(archive::file_source(file.get()), hash);
    make_directories(directory, 0710);
    archive::ExtractedLayer extracted = archive::extract_layer(raw, directory + "/diff", directory + "/tar-split");
    archive::drain(raw);
    store::StagedLayer staged = checked(wanted, extracted, hash.digest());
    staged.directory = directory;
    if (extracted.compression != archive::Compression::kNone) keep_blob(staged, from, path_of(file.get(), from.file));
    return staged;
  }

  // What was extracted on its way is the layer, unless another one has the same content: that one is copied.
  store::StagedLayer take(const ReceivedLayer& received, const Wanted& wanted, const std::string& directory) const {
    if (received.failure) std::rethrow_exception(received.failure);
    store::StagedLayer staged = checked(wanted, received.extracted, received.digest);
    staged.directory = received.directory;
    if (!received.blob.empty()) keep_blob(staged, image_.layers[wanted.position], received.blob);
    std::string first;
    bool own = intake_.claim(received, wanted.chain_id, first);
    bool there = exists(received.directory);
    if (own && there) return staged;
    staged.directory = directory;
    make_directories(directory, 0710);
    std::string files = there ? received.directory : store::layer_path(data_root_, first);
    archive::ExtractedLayer copy = copied(received, files, directory);
    if (copy.diff_id != received.extracted.diff_id)
      fail(Kind::kInternal, "layer ", received.extracted.diff_id, " has changed since it was extracted");
    return staged;
  }

  static archive::ExtractedLayer copied(const ReceivedLayer& received, const std::string& files,
                                        const std::string& directory) {
    auto extract_from = [&](const archive::Source& source) {
      return archive::extract_layer(source, directory + "/diff", directory + "/tar-split");
    };
    if (!received.blob.empty()) {
      UniqueFd blob = open_file(received.blob, O_RDONLY);
      return extract_from(archive::file_source(blob.get()));
    }
    auto diff = open_if_exists(files + "/diff", O_RDONLY | O_DIRECTORY);
    auto tar = diff ? archive::replayed_tar(files + "/tar-split", diff->get()) : std::nullopt;
    if (!tar)
      fail(Kind::kUnavailable, "layer ", received.extracted.diff_id,
           " lies on different layers in the archive, and cannot be copied: load the images one by one");
    return extract_from(tar->source);
  }

  // The layer without its place; refused when it is not what the image says.
  store::StagedLayer checked(const Wanted& wanted, const archive::ExtractedLayer& extracted,
                             const std::string& digest) const {
    const ArchivedLayer& from = image_.layers[wanted.position];
    if (!from.digest.empty() && digest != from.digest)
      fail_invalid("layer ", from.file, " of the archive is damaged: expected ", from.digest, ", got ", digest);
    const std::string& expected = config_.rootfs.diff_ids[wanted.position];
    if (extracted.diff_id != expected)
      fail_invalid("invalid diffID for layer ", wanted.position, ": expected ", hull::quoted(expected), ", got ",
                   hull::quoted(extracted.diff_id));
    store::StagedLayer staged;
    staged.row = {wanted.chain_id, extracted.diff_id, wanted.parent, "", "", extracted.size};
    if (extracted.compression != archive::Compression::kNone) staged.row.blob_digest = digest;
    return staged;
  }

  // A push can then send the very bytes that came.
  static void keep_blob(store::StagedLayer& staged, const ArchivedLayer& from, const std::string& path) {
    staged.blob = path;
    staged.row.media_type = from.media_type;
  }
  static std::string path_of(int file, const std::string& name) {
    std::string path(4096, '\0');
    ssize_t size = ::readlink(cat("/proc/self/fd/", file).c_str(), path.data(), path.size());
    path.resize(static_cast<std::size_t>(check(size, "readlink", name)));
    return path;
  }

  store::Database& database_;
  const std::string& data_root_;
  const std::string& base_;
  ArchiveIntake& intake_;
  const ArchivedImage& image_;
  oci::ImageConfig config_;
  store::ImageRow row_;
  std::vector<store::StagedLayer> staged_;
};

// The image of the archive that `child` was made of, or "": its layers are the child's lowest ones.
std::string parent_of(const ArchivedImage& child, const std::vector<ArchivedImage>& images) {
  if (child.parent.empty()) return "";
  auto layers = [](const ArchivedImage& image) {
    return from_json<oci::ImageConfig>(parse_json(image.config)).rootfs.diff_ids;
  };
  for (const ArchivedImage& image : images) {
    if (&image == &child || archive::sha256_digest(image.config) != child.parent) continue;
    auto below = layers(image), all = layers(child);
    bool lies_below = below.size() <= all.size() && std::equal(below.begin(), below.end(), all.begin());
    return lies_below ? child.parent : "";
  }
  return "";
}

}  // namespace

std::vector<std::string> Images::load(const Source& tar, const std::vector<oci::Platform>& platforms) {
  std::string base = store::incoming_path(state_->data_root, "load");
  Rollback cleanup;
  cleanup.add("incoming archive", [&] { remove_tree(base); });
  ArchiveIntake intake(base, [&](const std::string& digest) {
    return state_->database.layer_with_blob(digest) || !state_->database.layers_with_diff(digest).empty();
  });
  intake.receive(tar);

  std::vector<ArchivedImage> images;
  for (const oci::Platform& platform : platforms.empty() ? std::vector{oci::host_platform()} : platforms)
    for (ArchivedImage& image : read_archive_index(intake.root(), platform)) images.push_back(std::move(image));
  std::vector<std::string> loaded;
  for (const ArchivedImage& image : images) {
    Loader loader(state_->database, state_->data_root, base, intake, image, parent_of(image, images));
    std::vector<std::string> references;
    for (const auto& reference : image.references) {
      references.push_back(reference.canonical());
      if (ImagePtr old = find(references.back()); old && old->id != loader.row().id)
        loaded.push_back(cat("The image ", reference.familiar(), " already exists, renaming the old one with ID ",
                             old->id, " to empty string"));
    }
    for (int attempt = 0;; ++attempt) {
      loader.stage(attempt);
      try {
        state_->commit(loader.row(), loader.staged(), references, image.manifest);
        break;
      } catch (const Error& e) {
        // Somebody removed an image that shared a layer with this one.
        if (e.kind() != Kind::kConflict || attempt + 1 == kAttempts) throw;
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
