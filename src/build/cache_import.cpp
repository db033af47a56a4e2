// SPDX-License-Identifier: Apache-2.0
#include "build/cache_import.h"

#include <fcntl.h>

#include "archive/confined.h"
#include "archive/layer.h"
#include "archive/sha256.h"
#include "base/file.h"
#include "base/rollback.h"
#include "image/remote_image.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "registry/repository.h"
#include "store/layout.h"

namespace hull::build {

namespace {

constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";

// An OCI image layout (image-spec, image-layout.md) in a directory that the client has opened.
class DirectoryStorage final : public CacheStorage {
 public:
  explicit DirectoryStorage(int root) : root_(root) {}
  std::string text(const oci::Descriptor& blob, const std::stop_token&) override {
    std::string text = read_all(open(blob).get());
    if (archive::sha256_digest(text) != blob.digest) fail_invalid("blob ", blob.digest, " of the cache is damaged");
    return text;
  }
  void content(const oci::Descriptor& blob, const archive::Sink& sink, const std::stop_token& stop) override {
    UniqueFd file = open(blob);
    archive::Source source = archive::file_source(file.get());
    std::string buffer(256 << 10, '\0');
    while (std::size_t got = source(buffer.data(), buffer.size())) {
      if (stop.stop_requested()) fail(Kind::kCancelled, "the build was cancelled");
      sink({buffer.data(), got});
    }
  }
  std::string index() const {
    UniqueFd file = archive::open_confined(root_, "index.json", O_RDONLY | O_NONBLOCK);
    if (!file) fail_invalid("there is no cache in this directory: index.json: ", errno_text(errno));
    return read_all(file.get());
  }

 private:
  UniqueFd open(const oci::Descriptor& blob) const {
    UniqueFd file =
        archive::open_confined(root_, cat("blobs/sha256/", store::hex_of(blob.digest)), O_RDONLY | O_NONBLOCK);
    if (!file) fail(Kind::kNotFound, "blob ", blob.digest, " of the cache: ", errno_text(errno));
    return file;
  }
  int root_;
};

class RegistryStorage final : public CacheStorage {
 public:
  explicit RegistryStorage(std::unique_ptr<registry::Repository> repository) : repository_(std::move(repository)) {}
  std::string text(const oci::Descriptor& blob, const std::stop_token& stop) override {
    return repository_->small_blob(blob, stop);
  }
  void content(const oci::Descriptor& blob, const archive::Sink& sink, const std::stop_token& stop) override {
    repository_->fetch_blob(blob, sink, stop);
  }
  registry::Repository& repository() { return *repository_; }

 private:
  std::unique_ptr<registry::Repository> repository_;
};

std::string attribute(const CacheTransfer& from, const std::string& name) {
  auto found = from.attributes.find(name);
  return found == from.attributes.end() ? "" : found->second;
}

// The manifest in a layout that `digest` or `tag` names; without either, the one called "latest" or the first.
oci::Descriptor chosen(const oci::ImageIndex& index, const CacheTransfer& from) {
  std::string digest = attribute(from, "digest"), tag = attribute(from, "tag");
  for (const oci::Descriptor& one : index.manifests) {
    auto name = one.annotations.find(std::string(kRefName));
    if (!digest.empty() ? one.digest == digest
                        : name != one.annotations.end() && name->second == (tag.empty() ? "latest" : tag))
      return one;
  }
  if (index.manifests.empty() || !digest.empty() || !tag.empty())
    fail(Kind::kNotFound, "no such cache in the directory: ", digest.empty() ? tag : digest);
  return index.manifests.front();
}

}  // namespace

const PortableStep* ImportedCaches::find(const std::string& key) const {
  auto found = steps_.find(key);
  return found == steps_.end() ? nullptr : &found->second.step;
}

void ImportedCaches::add(Shared& shared, const Request& request, const CacheTransfer& from,
                         const std::stop_token& stop) {
  if (from.type == "local") {
    if (!from.end) fail_invalid("--cache-from type=local needs a directory of this machine: src=<directory>");
    auto storage = std::make_shared<DirectoryStorage>(from.end.get());
    auto index = from_json<oci::ImageIndex>(parse_json(storage->index()));
    return add_manifest(storage->text(chosen(index, from), stop), storage, stop);
  }
  if (from.type != "registry" && from.type != "inline")
    fail_invalid("--cache-from type=", from.type, " is not available: use type=registry or type=local");
  auto reference = oci::Reference::parse(attribute(from, "ref"));
  if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
  // An image of the store brings its steps along.
  if (auto image = shared.services().images.find(reference.canonical()))
    if (auto row = shared.services().database.image(image->id))
      if (std::size_t before = steps_.size(); add_inline(row->config, {}, nullptr), steps_.size() != before) return;
  if (!request.transfer) fail(Kind::kUnavailable, "there is no way to ", reference.domain);
  image::TransferOptions options = request.transfer(reference.domain);
  auto storage = std::make_shared<RegistryStorage>(std::make_unique<registry::Repository>(
      reference.domain, reference.path, options.registry, options.credentials, registry::Access::kPull));
  auto manifest = storage->repository().manifest(reference.digest.empty() ? reference.tag : reference.digest, stop);
  if (parse_json(manifest.text).contains("manifests"))
    manifest = image::find_remote_image(storage->repository(), reference, oci::parse_platform(request.platform), stop)
                   .manifest;
  add_manifest(manifest.text, storage, stop);
}

void ImportedCaches::add_manifest(const std::string& text, const std::shared_ptr<CacheStorage>& storage,
                                  const std::stop_token& stop) {
  auto manifest = from_json<oci::ImageManifest>(parse_json(text));
  std::string config = storage->text(manifest.config, stop);
  if (manifest.config.media_type == kCacheConfigType)
    add_steps(from_json<PortableCache>(parse_json(config)), manifest.layers, storage);
  else
    add_inline(config, manifest.layers, storage);
}

void ImportedCaches::add_inline(const std::string& config, const std::vector<oci::Descriptor>& layers,
                                const std::shared_ptr<CacheStorage>& storage) {
  const Json json = parse_json(config);
  if (auto found = json.find(kInlineCacheField); found != json.end())
    add_steps(from_json<PortableCache>(*found), layers, storage);
}

void ImportedCaches::add_steps(const PortableCache& cache, const std::vector<oci::Descriptor>& layers,
                               const std::shared_ptr<CacheStorage>& storage) {
  if (cache.version != 1) fail_invalid("the cache has version ", cache.version, ", which this engine does not know");
  for (const PortableStep& step : cache.steps) {
    Step one{step, std::nullopt, storage};
    if (step.layer >= 0 && static_cast<std::size_t>(step.layer) < layers.size())
      one.blob = layers[static_cast<std::size_t>(step.layer)];
    steps_.emplace(step.key, std::move(one));
  }
}

std::optional<store::StagedLayer> ImportedCaches::fetch(Shared& shared, const std::string& key,
                                                        const std::string& parent_chain_id,
                                                        const std::stop_token& stop) const {
  const Step& known = steps_.at(key);
  if (!known.blob || !known.storage) return std::nullopt;
  store::StagedLayer staged;
  staged.directory = store::incoming_path(shared.data_root, "cache");
  Rollback undo;
  undo.add("incoming layer", [&] { remove_tree(staged.directory); });
  make_directories(staged.directory, 0710);
  archive::Source blob =
      archive::produced_by([&](const archive::Sink& sink) { known.storage->content(*known.blob, sink, stop); });
  auto layer = archive::extract_layer(blob, staged.directory + "/diff", staged.directory + "/tar-split");
  if (layer.diff_id != known.step.diff_id)
    fail(Kind::kUnavailable, "the cache is damaged: layer ", known.blob->digest, " should contain ", known.step.diff_id,
         ", but contains ", layer.diff_id);
  staged.row.diff_id = layer.diff_id;
  staged.row.parent_chain_id = parent_chain_id;
  staged.row.chain_id = store::Layers::chain_id(parent_chain_id, layer.diff_id);
  staged.row.size = layer.size;
  undo.commit();
  return staged;
}

}  // namespace hull::build
