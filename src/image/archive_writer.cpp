// SPDX-License-Identifier: Apache-2.0
#include "image/archive_writer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "archive/sha256.h"
#include "archive/tar_writer.h"
#include "base/file.h"
#include "image/catalogue.h"
#include "image/layer_content.h"
#include "oci/image_manifest.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "store/layout.h"

namespace hull::image {

namespace {

constexpr std::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr std::string_view kLayerType = "application/vnd.oci.image.layer.v1.tar";

std::string blob_name(const std::string& digest) { return cat("blobs/sha256/", store::hex_of(digest)); }

class ArchiveWriter {
 public:
  ArchiveWriter(store::Database& database, const std::string& data_root, const std::vector<SavedImage>& images)
      : database_(database), data_root_(data_root), images_(images) {
    for (const SavedImage& saved : images_) add_image(saved);
  }

  void write(const archive::Sink& sink) {
    archive::TarWriter tar(sink);
    directory(tar, "blobs/");
    directory(tar, "blobs/sha256/");
    std::set<std::string> written;
    for (const SavedImage& saved : images_)
      for (const std::string& chain_id : saved.image->layer_chain_ids)
        if (written.insert(rows_.at(chain_id).diff_id).second) layer(tar, rows_.at(chain_id));
    for (const auto& [name, content] : small_) file(tar, name, content);
    tar.finish();
  }

 private:
  void add_image(const SavedImage& saved) {
    auto row = database_.image(saved.image->id);
    if (!row) fail(Kind::kNotFound, "No such image: ", saved.image->id);
    small_[blob_name(row->id)] = row->config;
    oci::ImageManifest manifest;
    manifest.media_type = kManifestType;
    manifest.annotations = saved.annotations;
    manifest.config = {std::string(kConfigType), row->id, static_cast<std::int64_t>(row->config.size()), {}, {}};
    Json entry, sources = Json::object(), paths = Json::array();
    for (const std::string& chain_id : row->layer_chain_ids) {
      const store::LayerRow& one = add_layer(chain_id);
      std::int64_t size = sizes_.at(chain_id);
      manifest.layers.push_back({std::string(kLayerType), one.diff_id, size, {}, {}});
      paths.push_back(blob_name(one.diff_id));
      sources[one.diff_id] = {{"mediaType", kLayerType}, {"size", size}, {"digest", one.diff_id}};
    }
    entry["Config"] = blob_name(row->id);
    entry["RepoTags"] = nullptr;
    entry["Layers"] = paths;
    auto is_parent = [&](const SavedImage& other) { return other.image->id == row->parent; };
    if (std::ranges::any_of(images_, is_parent)) entry["Parent"] = row->parent;
    entry["LayerSources"] = sources;
    std::string text = dump_json(to_json(manifest)), digest = archive::sha256_digest(text);
    small_[blob_name(digest)] = text;
    oci::Descriptor descriptor{std::string(kManifestType), digest, static_cast<std::int64_t>(text.size()), {}, {}};
    descriptor.annotations = saved.descriptor_annotations;
    descriptor.platform = {saved.image->config.architecture, saved.image->config.os, saved.image->config.os_version,
                           saved.image->config.variant};
    if (saved.references.empty()) index_.manifests.push_back(descriptor);
    for (const std::string& canonical : saved.references) add_name(canonical, descriptor, entry, *row);
    manifest_.push_back(entry);
    finish_tables();
  }

  void add_name(const std::string& canonical, oci::Descriptor descriptor, Json& entry, const store::ImageRow& row) {
    auto reference = oci::Reference::parse(canonical);
    descriptor.annotations["io.containerd.image.name"] = canonical;
    descriptor.annotations["org.opencontainers.image.ref.name"] = reference.tag;
    index_.manifests.push_back(std::move(descriptor));
    entry["RepoTags"].push_back(reference.familiar());
    if (!row.layer_chain_ids.empty())
      repositories_[reference.familiar_name()][reference.tag] =
          std::string(store::hex_of(rows_.at(row.layer_chain_ids.back()).diff_id));
  }

  void finish_tables() {
    index_.media_type = std::string(oci::kMediaTypeIndex);
    small_["index.json"] = dump_json(to_json(index_));
    small_["manifest.json"] = dump_json(manifest_);
    small_["oci-layout"] = "{\"imageLayoutVersion\":\"1.0.0\"}";
    if (!repositories_.empty()) small_["repositories"] = dump_json(repositories_);
  }

  const store::LayerRow& add_layer(const std::string& chain_id) {
    if (auto known = rows_.find(chain_id); known != rows_.end()) return known->second;
    auto row = database_.layer(chain_id);
    if (!row) fail(Kind::kConflict, "layer ", chain_id, " was removed meanwhile");
    sizes_[chain_id] = open_layer(*row).size;
    return rows_.emplace(chain_id, *row).first->second;
  }

  LayerContent open_layer(const store::LayerRow& row) const { return layer_tar(data_root_, row); }

  static archive::Entry entry_of(const std::string& name, mode_t mode, std::int64_t size) {
    archive::Entry entry;
    entry.name = name;
    entry.mode = mode;
    entry.size = size;
    return entry;
  }
  static void directory(archive::TarWriter& tar, const std::string& name) {
    tar.add(entry_of(name, S_IFDIR | 0755, 0));
  }
  static void file(archive::TarWriter& tar, const std::string& name, std::string_view content) {
    tar.add(entry_of(name, S_IFREG | 0644, static_cast<std::int64_t>(content.size())),
            [content](char* buffer, std::size_t size) mutable {
              size = content.copy(buffer, size);
              content.remove_prefix(size);
              return size;
            });
  }

  // The digest is the layer's name: what does not have it must not go out under it.
  void layer(archive::TarWriter& tar, const store::LayerRow& row) const {
    LayerContent content = open_layer(row);
    archive::Sha256 hash;
    // Hashing costs more than reading and writing: on a thread of its own.
    archive::Source ahead = archive::read_ahead(archive::hashed(content.source, hash));
    tar.add(entry_of(blob_name(row.diff_id), S_IFREG | 0644, content.size), ahead);
    archive::drain(ahead);  // its thread is at the end, too
    if (hash.digest() != row.diff_id)
      fail(Kind::kInternal, "layer ", row.diff_id, " is damaged: its files are not what they were");
  }

  store::Database& database_;
  const std::string& data_root_;
  const std::vector<SavedImage>& images_;
  std::map<std::string, store::LayerRow> rows_;  // by chain id
  std::map<std::string, std::int64_t> sizes_;    // of the tars, by chain id
  std::map<std::string, std::string> small_;     // by name in the archive
  oci::ImageIndex index_;
  Json manifest_ = Json::array(), repositories_ = Json::object();
};

}  // namespace

std::vector<SavedImage> images_to_save(const Images& images, const std::vector<std::string>& names) {
  std::vector<SavedImage> saved;
  auto add = [&](const ImagePtr& image, const std::string& canonical) {
    auto known = std::ranges::find(saved, image->id, [](const SavedImage& one) { return one.image->id; });
    if (known == saved.end()) known = saved.insert(saved.end(), SavedImage{image, {}});
    if (!canonical.empty() && std::ranges::find(known->references, canonical) == known->references.end())
      known->references.push_back(canonical);
  };
  for (const std::string& name : names) {
    ImagePtr image = images.find(name);
    if (image && is_id_prefix(image->id, name)) {
      add(image, "");
      continue;
    }
    auto reference = oci::Reference::parse(name);
    if (!reference.tag.empty() || !reference.digest.empty()) {
      add(images.get(name), reference.digest.empty() ? reference.canonical() : "");
      continue;
    }
    bool found = false;
    for (const ImagePtr& candidate : images.list())
      for (const std::string& tag : candidate->tags)
        if (auto own = oci::Reference::parse(tag); own.canonical_name() == reference.canonical_name()) {
          add(candidate, own.canonical());
          found = true;
        }
    if (!found) images.get(name);  // says that there is none
  }
  return saved;
}

void write_archive(store::Database& database, const std::string& data_root, const std::vector<SavedImage>& images,
                   const std::function<archive::Sink()>& begin) {
  ArchiveWriter writer(database, data_root, images);
  writer.write(begin());
}

}  // namespace hull::image
