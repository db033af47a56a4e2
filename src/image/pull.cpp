// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/id.h"
#include "image/remote_image.h"
#include "image/state.h"

// docker pull. The manifest and the configuration say which layers there are; those that the store lacks come side by
// side, each of them unpacked while it comes; then the image is committed, whole or not at all.
namespace hull::image {

namespace {

constexpr int kAttempts = 3;

std::string shown_digest(const std::string& digest) { return short_id(digest.substr(digest.find(':') + 1)); }

// What the user was told about one layer.
class LayerLine {
 public:
  LayerLine(std::shared_ptr<LayerFetch> fetch, const Report& report)
      : fetch_(std::move(fetch)), report_(report), id_(shown_digest(fetch_->wanted().blob.digest)) {}

  // True when there is nothing more to come.
  bool update() {
    FetchState now = fetch_->state();
    if (now.phase == FetchPhase::kFailed) fetch_->staged();  // throws
    if (!now.local) {
      if (now.phase == FetchPhase::kWaiting && step_ == 0) say(1, "Waiting");
      if (now.phase == FetchPhase::kDownloading) moved("Downloading", now.downloaded, now.total);
      if (now.phase > FetchPhase::kDownloading && step_ < 2) {
        say(2, "Verifying Checksum");
        say(2, "Download complete");
        shown_ = -1;
      }
      if (now.phase == FetchPhase::kExtracting) moved("Extracting", now.extracted, now.total);
    }
    if (now.phase == FetchPhase::kDone && step_ < 3) say(3, now.local ? "Already exists" : "Pull complete");
    return now.phase == FetchPhase::kDone;
  }

 private:
  void say(int step, const char* status) {
    step_ = step;
    report_({id_, status});
  }
  void moved(const char* status, std::int64_t current, std::int64_t total) {
    if (current == shown_) return;
    shown_ = current;
    TransferMessage message{id_, status};
    message.current = current;
    message.total = total;
    report_(message);
  }

  std::shared_ptr<LayerFetch> fetch_;
  const Report& report_;
  std::string id_;
  int step_ = 0;
  std::int64_t shown_ = -1;
};

void check_not_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) fail(Kind::kCancelled, "the pull was cancelled");
}

}  // namespace

// One image of a pull.
class Images::Puller {
 public:
  Puller(Images::State& state, const PullRequest& request, const Report& report, const std::stop_token& stop,
         std::shared_ptr<registry::Repository> repository)
      : state_(state), request_(request), report_(report), stop_(stop), repository_(std::move(repository)) {}

  void pull(const oci::Reference& reference) {
    RemoteImage image =
        find_remote_image(*repository_, reference, request_.platform.value_or(oci::host_platform()), stop_);
    report_({reference.digest.empty() ? reference.tag : reference.digest, cat("Pulling from ", reference.path)});
    std::string before = id_of(reference);
    for (int attempt = 1;; ++attempt) {
      try {
        fetch_and_commit(reference, image);
        break;
      } catch (const Error& e) {
        // Somebody removed an image that shared a layer with this one.
        if (e.kind() != Kind::kConflict || attempt == kAttempts) throw;
      }
    }
    bool newer = before != image.parsed.config.digest;
    report_({"", cat("Digest: ", image.digest)});
    warn_about_platform(reference, image.parsed.config.digest);
    report_({"", cat("Status: ", newer ? "Downloaded newer image for " : "Image is up to date for ",
                     reference.familiar())});
    oci::Reference name = reference;
    state_.tell({{"pull", reference.familiar(), name.familiar_name()}});
  }

 private:
  std::string id_of(const oci::Reference& reference) const {
    auto image = state_.current()->find(reference.canonical());
    return image ? image->id : "";
  }

  void fetch_and_commit(const oci::Reference& reference, const RemoteImage& image) {
    store::ImageRow row;
    std::vector<std::shared_ptr<LayerFetch>> fetches;
    std::vector<store::StagedLayer> staged;
    auto known = state_.database.image(image.parsed.config.digest);
    RemoteConfig config =
        read_remote_config(*repository_, image, known ? std::optional(known->config) : std::nullopt, stop_);
    row.id = image.parsed.config.digest;
    row.config = std::move(config.text);
    row.manifest_digest = image.manifest.digest;
    row.created = now().nanoseconds;
    for (const WantedLayer& layer : config.layers) {
      row.layer_chain_ids.push_back(layer.chain_id);
      if (!known) report_({shown_digest(layer.blob.digest), "Pulling fs layer"});
    }
    for (const WantedLayer& layer : config.layers) {
      if (auto there = state_.database.layer(layer.chain_id)) {
        row.size += there->size;
        if (!known) report_({shown_digest(layer.blob.digest), "Already exists"});
      } else {
        fetches.push_back(state_.fetches.get(layer, repository_, request_.options.at_once));
      }
    }
    follow(fetches);
    for (const auto& fetch : fetches) {
      staged.push_back(fetch->staged());
      row.size += staged.back().row.size;
    }
    check_not_stopped(stop_);
    std::vector<std::string> references{cat(reference.canonical_name(), "@", image.digest)};
    if (reference.digest.empty()) references.push_back(reference.canonical());
    state_.commit(row, staged, references, image.manifest.text);
    remember_origins(config.layers, reference);
  }

  // Until all layers are there, telling what happens meanwhile.
  void follow(const std::vector<std::shared_ptr<LayerFetch>>& fetches) {
    std::vector<LayerLine> lines;
    for (const auto& fetch : fetches) lines.emplace_back(fetch, report_);
    std::uint64_t seen = 0;
    for (bool done = false; !done;) {
      check_not_stopped(stop_);
      done = true;
      for (LayerLine& line : lines) done = line.update() && done;
      if (!done) state_.fetches.wait(seen);
    }
  }

  void remember_origins(const std::vector<WantedLayer>& layers, const oci::Reference& reference) {
    std::vector<store::OriginRow> rows;
    for (const WantedLayer& layer : layers)
      rows.push_back(
          {layer.diff_id, layer.blob.digest, layer.blob.media_type, layer.blob.size, reference.canonical_name()});
    if (!rows.empty()) state_.database.add_origins(rows);
  }

  // A registry that has one image only gives that one, whatever was asked for.
  void warn_about_platform(const oci::Reference& reference, const std::string& id) {
    auto image = state_.current()->find(id);
    if (!request_.platform || !image) return;
    oci::Platform own{image->config.architecture, image->config.os, "", image->config.variant};
    if (oci::best_match({own}, *request_.platform)) return;
    report_({"", cat("WARNING: ", oci::platform_mismatch(reference.familiar(), oci::to_string(own),
                                                         oci::to_string(*request_.platform)))});
  }

  Images::State& state_;
  const PullRequest& request_;
  const Report& report_;
  const std::stop_token& stop_;
  std::shared_ptr<registry::Repository> repository_;
};

void Images::pull(const PullRequest& request, const Report& report, const std::stop_token& stop) {
  oci::Reference reference = request.reference;
  auto repository = std::make_shared<registry::Repository>(reference.domain, reference.path, request.options.registry,
                                                           request.options.credentials, registry::Access::kPull);
  Puller puller(*state_, request, report, stop, repository);
  if (!request.all_tags) {
    if (!reference.digest.empty()) reference.tag.clear();
    if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
    return puller.pull(reference);
  }
  std::vector<std::string> tags;
  try {
    tags = repository->tags(stop);
  } catch (const Error& e) {
    if (e.kind() != Kind::kNotFound) throw;
    fail(Kind::kNotFound, "repository ", reference.familiar_name(), " not found: ", e.message());
  }
  for (const std::string& tag : tags) {
    reference.tag = tag;
    puller.pull(reference);
  }
}

}  // namespace hull::image
