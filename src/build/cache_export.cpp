// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "archive/compress.h"
#include "archive/sha256.h"
#include "archive/tar_writer.h"
#include "base/file.h"
#include "base/rollback.h"
#include "build/cache.h"
#include "build/portable_cache.h"
#include "image/layer_content.h"
#include "image/layer_push.h"
#include "oci/image_manifest.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "registry/repository.h"
#include "store/layout.h"

namespace hull::build {

namespace {

constexpr std::string_view kGzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip";
constexpr int kUploadsAtOnce = 5;

std::string attribute(const CacheTransfer& to, const std::string& name) {
  auto found = to.attributes.find(name);
  return found == to.attributes.end() ? "" : found->second;
}

std::string manifest_of(const std::string& config, std::vector<oci::Descriptor> layers) {
  oci::ImageManifest manifest;
  manifest.media_type = oci::kMediaTypeManifest;
  manifest.config = {
      std::string(kCacheConfigType), archive::sha256_digest(config), static_cast<std::int64_t>(config.size()), {}, {}};
  for (oci::Descriptor& layer : layers) {
    if (layer.media_type == oci::kMediaTypeDockerLayer) layer.media_type = kGzipLayer;
    manifest.layers.push_back(std::move(layer));
  }
  return dump_json(to_json(manifest));
}

std::vector<store::LayerRow> rows_of(Shared& shared, const std::vector<std::string>& chain_ids) {
  std::vector<store::LayerRow> rows;
  for (const std::string& chain_id : chain_ids) {
    auto row = shared.services().database.layer(chain_id);
    if (!row) fail(Kind::kConflict, "layer ", chain_id, " was removed meanwhile");
    rows.push_back(std::move(*row));
  }
  return rows;
}

archive::Source text_source(std::string_view text) {
  return [text](char* buffer, std::size_t size) mutable {
    size = text.copy(buffer, size);
    text.remove_prefix(size);
    return size;
  };
}

void to_registry(Shared& shared, const Request& request, const std::string& config,
                 const std::vector<store::LayerRow>& rows, const CacheTransfer& to, const std::stop_token& stop) {
  auto reference = oci::Reference::parse(attribute(to, "ref"));
  if (!reference.digest.empty()) fail_invalid("a cache cannot be pushed to a digest");
  if (reference.tag.empty()) reference.tag = "latest";
  if (!request.transfer) fail(Kind::kUnavailable, "there is no way to ", reference.domain);
  image::TransferOptions options = request.transfer(reference.domain);
  registry::Repository repository(reference.domain, reference.path, options.registry, options.credentials,
                                  registry::Access::kPush);
  image::LayerPush push(shared.services().database, shared.data_root, repository, rows, {});
  auto layers = push.run(
      kUploadsAtOnce, [](const image::TransferMessage&) {}, stop);
  repository.push_blob({[&] { return text_source(config); }, static_cast<std::int64_t>(config.size())}, stop);
  repository.push_manifest(reference.tag, {std::string(oci::kMediaTypeManifest), "", manifest_of(config, layers)},
                           stop);
}

// A layer compressed into a file: an archive says the size of what follows.
oci::Descriptor compressed(Shared& shared, const store::LayerRow& row, const std::string& path) {
  image::LayerContent content;
  archive::Source source;
  std::string type(kGzipLayer);
  if (auto blob = image::layer_blob(shared.data_root, row)) {
    content = std::move(*blob);
    source = content.source;
    type = row.media_type == oci::kMediaTypeDockerLayer ? std::string(kGzipLayer) : row.media_type;
  } else {
    content = image::layer_tar(shared.data_root, row);
    source = archive::gzip_compressed(content.source);
  }
  archive::Sha256 hash;
  UniqueFd file = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  std::string buffer(256 << 10, '\0');
  std::int64_t size = 0;
  while (std::size_t got = source(buffer.data(), buffer.size())) {
    hash.update({buffer.data(), got});
    write_all(file.get(), {buffer.data(), got});
    size += static_cast<std::int64_t>(got);
  }
  return {type, hash.digest(), size, {}, {}};
}

// A tar of an OCI image layout, which the client unpacks.
void to_directory(Shared& shared, const std::string& config, const std::vector<store::LayerRow>& rows,
                  const CacheTransfer& to, const std::stop_token& stop) {
  if (!to.end) fail_invalid("--cache-to type=local needs a directory of this machine: dest=<directory>");
  std::string work = store::incoming_path(shared.data_root, "cache-export");
  Rollback undo;
  undo.add("exported layers", [&] { remove_tree(work); });
  make_directories(work, 0700);
  archive::TarWriter tar([&](std::string_view data) { write_all(to.end.get(), data); });
  auto add = [&](const std::string& name, mode_t mode, std::int64_t size, const archive::Source& content) {
    archive::Entry entry;
    entry.name = name;
    entry.mode = mode;
    entry.size = size;
    tar.add(entry, content);
  };
  auto add_text = [&](const std::string& name, const std::string& text) {
    add(name, S_IFREG | 0644, static_cast<std::int64_t>(text.size()), text_source(text));
  };
  add("blobs/", S_IFDIR | 0755, 0, {});
  add("blobs/sha256/", S_IFDIR | 0755, 0, {});
  std::vector<oci::Descriptor> layers;
  for (const store::LayerRow& row : rows) {
    if (stop.stop_requested()) fail(Kind::kCancelled, "the build was cancelled");
    std::string path = cat(work, "/", layers.size());
    layers.push_back(compressed(shared, row, path));
    UniqueFd file = open_file(path, O_RDONLY);
    add(cat("blobs/sha256/", store::hex_of(layers.back().digest)), S_IFREG | 0644, layers.back().size,
        archive::file_source(file.get()));
  }
  std::string manifest = manifest_of(config, layers), digest = archive::sha256_digest(manifest);
  add_text(cat("blobs/sha256/", store::hex_of(archive::sha256_digest(config))), config);
  add_text(cat("blobs/sha256/", store::hex_of(digest)), manifest);
  oci::ImageIndex index;
  index.media_type = oci::kMediaTypeIndex;
  std::string tag = attribute(to, "tag");
  index.manifests.push_back({std::string(oci::kMediaTypeManifest),
                             digest,
                             static_cast<std::int64_t>(manifest.size()),
                             {{"org.opencontainers.image.ref.name", tag.empty() ? "latest" : tag}},
                             {}});
  add_text("index.json", dump_json(to_json(index)));
  add_text("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
  tar.finish();
}

}  // namespace

PortableCache portable_cache(const Graph& graph, const std::vector<NodeResult>& results, bool all,
                             std::vector<std::string>& layers) {
  std::vector<std::size_t> nodes;
  if (all)
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) nodes.push_back(i);
  else
    nodes = graph.way_to_result();
  PortableCache cache;
  for (std::size_t at : nodes) {
    const NodeResult& result = results[at];
    if (result.key.empty() || std::ranges::find(cache.steps, result.key, &PortableStep::key) != cache.steps.end())
      continue;
    const Node& node = graph.nodes[at];
    PortableStep step;
    step.key = result.key;
    step.kind = node.kind == NodeKind::kConfig ? kImageTime : kRegular;
    step.parent = node.parent == kNone ? "" : results[node.parent].key;
    step.description = node.facts.name;
    step.created = result.created;
    if (!result.diff_id.empty()) {
      step.diff_id = result.diff_id;
      step.size = result.size;
      auto known = std::ranges::find(layers, result.top());
      step.layer = static_cast<int>(known - layers.begin());
      if (known == layers.end()) layers.push_back(result.top());
    }
    cache.steps.push_back(std::move(step));
  }
  return cache;
}

void export_cache(Shared& shared, const Graph& graph, const std::vector<NodeResult>& results, const Assembled& image,
                  const Request& request, const CacheTransfer& to, Observer& observer, const std::stop_token& stop) {
  if (to.type == "inline") return;  // it is in the image
  if (to.type != "registry" && to.type != "local")
    fail_invalid("--cache-to type=", to.type, " is not available: use type=registry, type=local or type=inline");
  std::string mode = attribute(to, "mode");
  if (!mode.empty() && mode != "min" && mode != "max") fail_invalid("--cache-to mode=", mode, ": use min or max");
  observer.message(cat("exporting cache to ", to.type));
  std::vector<std::string> layers;
  PortableCache cache = portable_cache(graph, results, mode == "max", layers);
  if (!image.time_key.empty()) {
    PortableStep time;
    time.key = image.time_key;
    time.kind = kImageTime;
    time.created = image.time;
    cache.steps.push_back(std::move(time));
  }
  std::string config = dump_json(to_json(cache));
  auto rows = rows_of(shared, layers);
  if (to.type == "registry")
    to_registry(shared, request, config, rows, to, stop);
  else
    to_directory(shared, config, rows, to, stop);
}

}  // namespace hull::build
