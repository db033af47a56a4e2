// SPDX-License-Identifier: Apache-2.0
#include "image/layer_push.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "archive/compress.h"
#include "base/id.h"
#include "image/layer_content.h"
#include "oci/reference.h"

namespace hull::image {

namespace {

constexpr std::size_t kMostCandidates = 4;  // forms of a layer that the registry is asked for

std::string shown(const std::string& diff_id) { return short_id(diff_id.substr(diff_id.find(':') + 1)); }

}  // namespace

LayerPush::LayerPush(store::Database& database, const std::string& data_root, registry::Repository& repository,
                     std::vector<store::LayerRow> layers, std::vector<oci::Descriptor> kept)
    : database_(database),
      data_root_(data_root),
      repository_(repository),
      layers_(std::move(layers)),
      kept_(std::move(kept)),
      pushed_(layers_.size()),
      lines_(layers_.size()) {}

std::vector<oci::Descriptor> LayerPush::run(int at_once, const Report& report, const std::stop_token& stop) {
  for (const auto& layer : layers_) report({shown(layer.diff_id), "Preparing"});
  std::size_t threads = std::min(layers_.size(), static_cast<std::size_t>(std::max(at_once, 1)));
  for (std::size_t i = threads; i < layers_.size(); ++i) report({shown(layers_[i].diff_id), "Waiting"});
  std::stop_source inner;
  std::stop_callback forward(stop, [&] { inner.request_stop(); });
  std::vector<std::jthread> workers;
  working_ = static_cast<int>(threads);
  for (std::size_t i = 0; i < threads; ++i)
    workers.emplace_back([this, &inner] {
      work(inner.get_token());
      // One that failed is the end of all.
      if (std::lock_guard guard(mutex_); failure_) inner.request_stop();
    });
  try {
    for (bool done = threads == 0; !done;) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return working_ == 0; });
        done = working_ == 0;
      }
      tell(report);
    }
  } catch (...) {
    inner.request_stop();
    throw;
  }
  if (failure_) std::rethrow_exception(failure_);
  return pushed_;
}

void LayerPush::work(const std::stop_token& stop) {
  try {
    for (;;) {
      std::size_t at = 0;
      {
        std::lock_guard guard(mutex_);
        if (failure_ || next_ == layers_.size()) break;
        at = next_++;
      }
      oci::Descriptor blob = push(at, stop);
      std::lock_guard guard(mutex_);
      pushed_[at] = std::move(blob);
    }
  } catch (...) {
    std::lock_guard guard(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
  std::lock_guard guard(mutex_);
  --working_;
  changed_.notify_all();
}

void LayerPush::say(std::size_t at, std::string status) {
  std::lock_guard guard(mutex_);
  lines_[at] = {std::move(status), 0, 0, true};
}

archive::Source LayerPush::counted(std::size_t at, archive::Source source) {
  return [this, at, source = std::move(source)](char* buffer, std::size_t size) {
    std::size_t got = source(buffer, size);
    std::lock_guard guard(mutex_);
    lines_[at].current += static_cast<std::int64_t>(got);
    lines_[at].changed = true;
    return got;
  };
}

void LayerPush::tell(const Report& report) {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    TransferMessage message;
    {
      std::lock_guard guard(mutex_);
      if (!std::exchange(lines_[i].changed, false)) continue;
      message.id = shown(layers_[i].diff_id);
      message.status = lines_[i].status;
      message.current = lines_[i].current;
      message.total = lines_[i].total;
    }
    report(message);
  }
}

// The forms in which this layer may be there already, the one that the manifest speaks of first.
std::vector<oci::Descriptor> LayerPush::candidates(std::size_t at) const {
  const store::LayerRow& layer = layers_[at];
  std::vector<oci::Descriptor> found;
  if (!kept_.empty()) return {kept_[at]};
  if (auto blob = layer_blob(data_root_, layer))
    found.push_back({layer.media_type, layer.blob_digest, blob->size, {}, {}});
  for (const auto& origin : database_.origins(layer.diff_id)) {
    bool known = std::ranges::find(found, origin.digest, &oci::Descriptor::digest) != found.end();
    if (!known && found.size() < kMostCandidates && origin.media_type.ends_with("gzip"))
      found.push_back({origin.media_type, origin.digest, origin.size, {}, {}});
  }
  return found;
}

oci::Descriptor LayerPush::push(std::size_t at, const std::stop_token& stop) {
  auto possible = candidates(at);
  for (const oci::Descriptor& blob : possible)
    if (repository_.find_blob(blob.digest, stop)) {
      say(at, "Layer already exists");
      return blob;
    }
  for (const oci::Descriptor& blob : possible)
    if (mount(at, blob, stop)) return blob;
  return upload(at, stop);
}

bool LayerPush::mount(std::size_t at, const oci::Descriptor& blob, const std::stop_token& stop) {
  for (const auto& origin : database_.origins(layers_[at].diff_id)) {
    auto [domain, path] = split_once(origin.repository, '/');
    if (origin.digest != blob.digest || domain != repository_.domain() || path == repository_.path()) continue;
    std::string from(path.value_or(""));
    if (!repository_.mount_blob(blob.digest, from, stop)) continue;
    say(at, "Mounted from " + from);
    return true;
  }
  return false;
}

oci::Descriptor LayerPush::upload(std::size_t at, const std::stop_token& stop) {
  const store::LayerRow& layer = layers_[at];
  registry::Repository::Upload upload;
  oci::Descriptor as;
  bool plain = !kept_.empty() && kept_[at].digest == layer.diff_id;
  // What the sources read from lives as long as they do.
  std::shared_ptr<LayerContent> content;
  auto begin = [&, at](std::int64_t total) {
    std::lock_guard guard(mutex_);
    lines_[at] = {"Pushing", 0, total, true};
  };
  if (auto blob = layer_blob(data_root_, layer); blob && !plain) {
    as.media_type = layer.media_type.empty() ? std::string(oci::kMediaTypeDockerLayer) : layer.media_type;
    upload.size = blob->size;
    upload.open = [&, at] {
      content = std::make_shared<LayerContent>(*layer_blob(data_root_, layer));
      begin(content->size);
      return counted(at, [held = content](char* buffer, std::size_t size) { return held->source(buffer, size); });
    };
  } else {
    as.media_type = plain ? kept_[at].media_type : std::string(oci::kMediaTypeDockerLayer);
    upload.open = [&, at] {
      content = std::make_shared<LayerContent>(layer_tar(data_root_, layer));
      begin(content->size);
      archive::Source tar =
          counted(at, [held = content](char* buffer, std::size_t size) { return held->source(buffer, size); });
      return plain ? archive::read_ahead(std::move(tar)) : archive::gzip_compressed(std::move(tar));
    };
  }
  oci::Descriptor sent = repository_.push_blob(upload, stop);
  as.digest = sent.digest;
  as.size = sent.size;
  say(at, "Pushed");
  return as;
}

}  // namespace hull::image
