// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "archive/sha256.h"
#include "base/file.h"
#include "image/layer_push.h"
#include "image/state.h"
#include "oci/image_manifest.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "store/layout.h"

// docker push: layers, then the configuration, then the manifest that names them. An image that was pulled goes out
// under the manifest that it came with, so its digest stays; any other gets one in Docker's schema 2, which every
// registry takes.
namespace hull::image {

namespace {

oci::ImageManifest new_manifest(const store::ImageRow& row, const std::vector<oci::Descriptor>& layers,
                                const PushRequest& request) {
  // What is compressed with zstd has no name among Docker's types, and annotations have no place there.
  bool docker =
      !request.oci && request.annotations.empty() && std::ranges::all_of(layers, [](const oci::Descriptor& layer) {
        return layer.media_type == oci::kMediaTypeDockerLayer || layer.media_type.ends_with("+gzip");
      });
  oci::ImageManifest manifest;
  manifest.media_type = docker ? oci::kMediaTypeDockerManifest : oci::kMediaTypeManifest;
  manifest.config.media_type = docker ? oci::kMediaTypeDockerConfig : oci::kMediaTypeConfig;
  manifest.config.digest = row.id;
  manifest.config.size = static_cast<std::int64_t>(row.config.size());
  manifest.annotations = request.annotations;
  for (oci::Descriptor layer : layers) {
    if (docker)
      layer.media_type = oci::kMediaTypeDockerLayer;
    else if (layer.media_type == oci::kMediaTypeDockerLayer)
      layer.media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
    manifest.layers.push_back(std::move(layer));
  }
  return manifest;
}

}  // namespace

// One image under one or more tags of one repository.
class Images::Pusher {
 public:
  Pusher(Images::State& state, const PushRequest& request, const Report& report, const std::stop_token& stop)
      : state_(state),
        request_(request),
        report_(report),
        stop_(stop),
        repository_(request.reference.domain, request.reference.path, request.options.registry,
                    request.options.credentials, registry::Access::kPush) {}

  void push(const oci::Reference& reference) {
    ImagePtr image = state_.current()->find(reference.canonical());
    if (!image) fail(Kind::kNotFound, "An image does not exist locally with the tag: ", reference.familiar_name());
    auto row = state_.database.image(image->id);
    if (!row) fail(Kind::kNotFound, "No such image: ", image->id);
    std::vector<store::LayerRow> layers;
    for (const std::string& chain_id : row->layer_chain_ids) {
      auto layer = state_.database.layer(chain_id);
      if (!layer) fail(Kind::kConflict, "layer ", chain_id, " was removed meanwhile");
      layers.push_back(std::move(*layer));
    }
    registry::Content manifest = kept_manifest(*row, layers);
    LayerPush push(state_.database, state_.data_root, repository_, layers, kept_layers_);
    auto blobs = push.run(request_.options.at_once, report_, stop_);
    push_config(*row);
    // The blob that came could have been lost, and what took its place have another digest.
    bool same = manifest.text.empty() || !request_.annotations.empty() || request_.oci
                    ? false
                    : std::ranges::equal(blobs, kept_layers_, {}, &oci::Descriptor::digest, &oci::Descriptor::digest);
    if (!same) {
      oci::ImageManifest made = new_manifest(*row, blobs, request_);
      manifest.media_type = made.media_type;
      manifest.text = dump_json(to_json(made));
    }
    std::string digest = repository_.push_manifest(reference.tag, manifest, stop_);
    remember(reference, *row, layers, blobs, digest);
    auto size = static_cast<std::int64_t>(manifest.text.size());
    report_({"", cat(reference.tag, ": digest: ", digest, " size: ", size)});
    TransferMessage pushed;
    pushed.tag = reference.tag;
    pushed.digest = digest;
    pushed.size = size;
    pushed.media_type = manifest.media_type;
    report_(pushed);
    state_.tell({{"push", reference.familiar(), reference.familiar_name()}});
  }

 private:
  // The manifest that the image came with, when its layers can go out again as they came.
  registry::Content kept_manifest(const store::ImageRow& row, const std::vector<store::LayerRow>& layers) {
    kept_layers_.clear();
    if (row.manifest_digest.empty()) return {};
    auto text = read_if_exists(store::blob_path(state_.data_root, row.manifest_digest));
    if (!text) return {};
    auto parsed = from_json<oci::ImageManifest>(parse_json(*text));
    if (parsed.layers.size() != layers.size()) return {};
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (parsed.layers[i].digest != layers[i].blob_digest && parsed.layers[i].digest != layers[i].diff_id) return {};
    kept_layers_ = parsed.layers;
    std::string type = parsed.media_type.empty() ? std::string(oci::kMediaTypeManifest) : parsed.media_type;
    return {type, row.manifest_digest, *text};
  }

  void push_config(const store::ImageRow& row) {
    if (repository_.find_blob(row.id, stop_)) return;
    registry::Repository::Upload upload;
    upload.size = static_cast<std::int64_t>(row.config.size());
    upload.open = [&row] {
      return [rest = std::string_view(row.config)](char* buffer, std::size_t size) mutable {
        size = rest.copy(buffer, size);
        rest.remove_prefix(size);
        return size;
      };
    };
    repository_.push_blob(upload, stop_);
  }

  void remember(const oci::Reference& reference, const store::ImageRow& row, const std::vector<store::LayerRow>& layers,
                const std::vector<oci::Descriptor>& blobs, const std::string& digest) {
    std::vector<store::OriginRow> rows;
    for (std::size_t i = 0; i < layers.size(); ++i)
      rows.push_back(
          {layers[i].diff_id, blobs[i].digest, blobs[i].media_type, blobs[i].size, reference.canonical_name()});
    if (!rows.empty()) state_.database.add_origins(rows);
    std::lock_guard guard(state_.writer);
    if (!state_.database.image(row.id)) return;  // removed meanwhile
    state_.database.set_reference({cat(reference.canonical_name(), "@", digest), row.id});
    state_.publish();
  }

  Images::State& state_;
  const PushRequest& request_;
  const Report& report_;
  const std::stop_token& stop_;
  registry::Repository repository_;
  std::vector<oci::Descriptor> kept_layers_;  // of the image that is being pushed; empty: it has no manifest yet
};

void Images::push(const PushRequest& request, const Report& report, const std::stop_token& stop) {
  oci::Reference reference = request.reference;
  if (!reference.digest.empty()) fail_invalid("cannot push a digest reference");
  report({"", cat("The push refers to repository [", reference.canonical_name(), "]")});
  Pusher pusher(*state_, request, report, stop);
  if (!request.all_tags) {
    if (reference.tag.empty()) reference.tag = "latest";
    return pusher.push(reference);
  }
  std::vector<oci::Reference> tags;
  auto catalogue = state_->current();
  for (const auto& [name, id] : catalogue->references) {
    auto own = oci::Reference::parse(name);
    if (own.canonical_name() == reference.canonical_name() && own.digest.empty()) tags.push_back(std::move(own));
  }
  if (tags.empty()) fail(Kind::kNotFound, "An image does not exist locally with the tag: ", reference.familiar_name());
  for (const auto& tag : tags) pusher.push(tag);
}

}  // namespace hull::image
