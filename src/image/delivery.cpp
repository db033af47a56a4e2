// SPDX-License-Identifier: Apache-2.0
#include "image/delivery.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "archive/compress.h"
#include "archive/layer.h"
#include "archive/sha256.h"
#include "base/file.h"
#include "base/log.h"
#include "image/layer_content.h"
#include "image/state.h"
#include "oci/image_manifest.h"
#include "oci/json.h"
#include "store/layout.h"

namespace hull::image {

namespace {

constexpr auto kPatience = std::chrono::hours(1);  // with layers that nobody has come back for

std::int64_t size_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_size : 0;
}

std::vector<MissingLayer> layers_of(const oci::ImageConfig& config) {
  std::vector<MissingLayer> layers;
  std::string parent;
  for (const std::string& diff_id : config.rootfs.diff_ids) {
    if (!oci::is_digest(diff_id)) fail_invalid("invalid image config: ", hull::quoted(diff_id), " is not a digest");
    layers.push_back({store::Layers::chain_id(parent, diff_id), parent, diff_id, 0});
    parent = layers.back().chain_id;
  }
  return layers;
}

void skip(const Source& source, std::int64_t bytes) {
  std::string buffer(256 << 10, '\0');
  while (bytes > 0) {
    std::size_t got =
        source(buffer.data(),
               static_cast<std::size_t>(std::min<std::int64_t>(bytes, static_cast<std::int64_t>(buffer.size()))));
    if (got == 0) fail(Kind::kConflict, "the layer has fewer bytes than were asked to be skipped");
    bytes -= static_cast<std::int64_t>(got);
  }
}

}  // namespace

// One layer is received once at a time.
class Images::Deliveries::Turn {
 public:
  Turn(Deliveries& all, const MissingLayer& layer) : all_(all) {
    std::lock_guard guard(all_.mutex_);
    all_.forget_old();
    auto& known = all_.arrivals_[layer.chain_id];
    if (!known) {
      known = std::make_shared<Arrival>();
      known->directory = store::incoming_path(all_.state_.data_root, "delivery");
    }
    if (known->busy) fail(Kind::kConflict, "layer ", layer.diff_id, " is coming in already");
    arrival = known;
    arrival->busy = true;
  }
  ~Turn() {
    std::lock_guard guard(all_.mutex_);
    arrival->busy = false;
    arrival->used = Clock::now();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  std::shared_ptr<Arrival> arrival;

 private:
  Deliveries& all_;
};

Images::Deliveries::~Deliveries() {
  for (const auto& [chain_id, arrival] : arrivals_) {
    try {
      remove_tree(arrival->directory);
    } catch (const Error& e) {
      log::warn("left over from a delivery: ", e.message());
    }
  }
}

void Images::Deliveries::forget_old() {
  std::erase_if(arrivals_, [](const auto& one) {
    const Arrival& arrival = *one.second;
    if (arrival.busy || Clock::now() - arrival.used < kPatience) return false;
    remove_tree(arrival.directory);
    return true;
  });
}

Offer Images::Deliveries::offer(std::string_view name) const {
  auto catalogue = state_.current();
  ImagePtr image = catalogue->find(name);
  auto row = image ? state_.database.image(image->id) : std::nullopt;
  if (!row) fail(Kind::kNotFound, "No such image: ", name);
  Offer offer;
  offer.config = row->config;
  offer.chain = row->layer_chain_ids;
  if (!row->manifest_digest.empty())
    offer.manifest = read_if_exists(store::blob_path(state_.data_root, row->manifest_digest)).value_or("");
  if (is_id_prefix(image->id, name)) return offer;
  auto reference = oci::Reference::parse(name);
  if (reference.digest.empty()) offer.reference = reference.canonical();
  return offer;
}

OutgoingLayer Images::Deliveries::send(const std::string& chain_id, std::int64_t offset) const {
  auto row = state_.database.layer(chain_id);
  if (!row) fail(Kind::kNotFound, "No such layer: ", chain_id);
  OutgoingLayer out;
  out.media_type = std::string(oci::kMediaTypeDockerLayer);
  if (auto blob = layer_blob(state_.data_root, *row)) {
    auto content = std::make_shared<LayerContent>(std::move(*blob));
    if (!row->media_type.empty()) out.media_type = row->media_type;
    if (offset > content->size) fail(Kind::kConflict, "layer ", row->diff_id, " has ", content->size, " bytes only");
    check(::lseek(content->blob.get(), offset, SEEK_SET), "lseek", row->blob_digest);
    out.source = [content](char* buffer, std::size_t size) { return content->source(buffer, size); };
    return out;
  }
  auto content = std::make_shared<LayerContent>(layer_tar(state_.data_root, *row));
  out.source =
      archive::gzip_compressed([content](char* buffer, std::size_t size) { return content->source(buffer, size); });
  skip(out.source, offset);
  return out;
}

std::vector<MissingLayer> Images::Deliveries::accept(const Offer& offer) {
  auto config = from_json<oci::ImageConfig>(parse_json(offer.config));
  if (!config.os.empty() && config.os != "linux") fail_invalid("cannot take a ", config.os, " image on linux");
  std::vector<MissingLayer> layers = layers_of(config), missing;
  {
    std::lock_guard guard(mutex_);
    forget_old();
    for (MissingLayer layer : layers) {
      if (state_.database.layer(layer.chain_id)) continue;
      auto known = arrivals_.find(layer.chain_id);
      if (known != arrivals_.end() && known->second->complete) {
        known->second->used = Clock::now();
        continue;
      }
      if (known != arrivals_.end()) layer.offset = size_of(known->second->directory + "/blob");
      missing.push_back(std::move(layer));
    }
  }
  if (missing.empty()) commit(offer, layers);
  return missing;
}

// The manifest, when the layers can go out again under the names that it has for them.
std::string Images::Deliveries::fitting_manifest(const Offer& offer, const std::vector<store::LayerRow>& rows) const {
  if (offer.manifest.empty()) return {};
  auto manifest = from_json<oci::ImageManifest>(parse_json(offer.manifest));
  bool fits = manifest.config.digest == archive::sha256_digest(offer.config) && manifest.layers.size() == rows.size();
  for (std::size_t i = 0; fits && i < rows.size(); ++i)
    fits = manifest.layers[i].digest == rows[i].blob_digest || manifest.layers[i].digest == rows[i].diff_id;
  return fits ? offer.manifest : std::string();
}

void Images::Deliveries::commit(const Offer& offer, const std::vector<MissingLayer>& layers) {
  store::ImageRow row;
  row.config = offer.config;
  row.id = archive::sha256_digest(offer.config);
  row.created = now().nanoseconds;
  std::vector<store::StagedLayer> staged;
  std::vector<store::LayerRow> rows;
  std::vector<std::shared_ptr<Arrival>> arrivals;
  {
    std::lock_guard guard(mutex_);
    for (const MissingLayer& layer : layers) {
      row.layer_chain_ids.push_back(layer.chain_id);
      if (auto known = state_.database.layer(layer.chain_id)) {
        rows.push_back(*known);
      } else if (auto found = arrivals_.find(layer.chain_id); found != arrivals_.end() && found->second->complete) {
        arrivals.push_back(found->second);
        staged.push_back(found->second->staged);
        rows.push_back(staged.back().row);
      } else {
        fail(Kind::kConflict, "layer ", layer.diff_id, " was removed while its image came in");
      }
      row.size += rows.back().size;
    }
  }
  std::string manifest = fitting_manifest(offer, rows);
  if (!manifest.empty()) row.manifest_digest = archive::sha256_digest(manifest);
  std::vector<std::string> references;
  std::vector<Event> events{{"load", row.id, row.id}};
  if (!offer.reference.empty()) {
    auto reference = oci::Reference::parse(offer.reference);
    references.push_back(reference.canonical());
    events.push_back({"tag", row.id, reference.familiar()});
  }
  state_.commit(row, staged, references, manifest);
  {
    std::lock_guard guard(mutex_);
    for (const MissingLayer& layer : layers) {
      auto found = arrivals_.find(layer.chain_id);
      if (found == arrivals_.end() || found->second->busy) continue;
      remove_tree(found->second->directory);
      arrivals_.erase(found);
    }
  }
  state_.tell(events);
}

void Images::Deliveries::receive(const MissingLayer& layer, const std::string& media_type, const Source& source) {
  if (!oci::is_digest(layer.diff_id) || layer.chain_id != store::Layers::chain_id(layer.parent_chain_id, layer.diff_id))
    fail_invalid("the chain id ", hull::quoted(layer.chain_id), " is not that of ", hull::quoted(layer.diff_id), " on ",
                 hull::quoted(layer.parent_chain_id));
  Turn turn(*this, layer);
  Arrival& arrival = *turn.arrival;
  if (arrival.complete || state_.database.layer(layer.chain_id)) return;
  if (std::int64_t have = size_of(arrival.directory + "/blob"); have != layer.offset)
    fail(Kind::kConflict, "of layer ", layer.diff_id, " ", have, " bytes are here, not ", layer.offset);
  extract(arrival, layer, media_type, source);
  std::lock_guard guard(mutex_);
  arrival.complete = true;
}

void Images::Deliveries::extract(Arrival& arrival, const MissingLayer& layer, const std::string& media_type,
                                 const Source& source) {
  std::string blob = arrival.directory + "/blob", files = arrival.directory + "/layer";
  remove_tree(files);
  make_directories(files, 0710);
  UniqueFd file = open_file(blob, O_RDWR | O_CREAT | O_APPEND, 0600);
  archive::Sha256 hash;
  bool broken = false;
  // What came before, then what comes now.
  archive::Source all = [&, old = layer.offset](char* buffer, std::size_t size) mutable {
    if (old > 0) {
      size = static_cast<std::size_t>(std::min<std::int64_t>(old, static_cast<std::int64_t>(size)));
      size = archive::file_source(file.get())(buffer, size);
      old -= static_cast<std::int64_t>(size);
    } else {
      try {
        size = source(buffer, size);
      } catch (...) {
        broken = true;
        throw;
      }
      write_all(file.get(), {buffer, size});
    }
    hash.update({buffer, size});
    return size;
  };
  archive::ExtractedLayer extracted;
  try {
    extracted = archive::extract_layer(all, files + "/diff", files + "/tar-split");
    archive::drain(all);
    if (extracted.diff_id != layer.diff_id)
      fail_invalid("what came as layer ", layer.diff_id, " contains ", extracted.diff_id);
  } catch (const Error&) {
    remove_tree(broken ? files : arrival.directory);
    throw;
  }
  store::StagedLayer& staged = arrival.staged;
  staged.directory = files;
  staged.row = {layer.chain_id, layer.diff_id, layer.parent_chain_id, "", "", extracted.size};
  if (extracted.compression == archive::Compression::kNone && exists(files + "/tar-split")) return;
  staged.blob = blob;
  staged.row.blob_digest = hash.digest();
  staged.row.media_type = media_type;
}

}  // namespace hull::image
