// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "archive/sha256.h"
#include "build/builder_state.h"
#include "build/cache.h"
#include "build/cache_import.h"
#include "oci/json.h"

// The image's configuration. A build that finds everything in the cache gives the same image as the build before it, to
// the byte: all its times are recorded.
namespace hull::build {

namespace {

constexpr std::string_view kComment = "buildkit.dockerfile.v0";

oci::ImageConfig begin(const Graph& graph, const Request& request) {
  oci::ImageConfig config;
  if (graph.base) config = graph.base->config;
  oci::Platform platform = oci::parse_platform(request.platform);
  if (config.architecture.empty()) {
    config.architecture = platform.architecture;
    config.variant = platform.variant;
  }
  if (config.os.empty()) config.os = platform.os;
  if (!graph.author.empty()) config.author = graph.author;
  return config;
}

// When an image got what no layer says: the same as last time, when nothing has changed since.
std::int64_t time_of(Shared& shared, const Request& request, const std::string& key, const ImportedCaches& imports) {
  if (request.source_date_epoch) return *request.source_date_epoch * 1'000'000'000;
  store::Database& database = shared.services().database;
  std::int64_t time = now().nanoseconds;
  if (!request.no_cache) {
    if (auto known = database.build_record(key)) return known->created;
    if (const PortableStep* known = imports.find(key)) time = known->created;
  }
  database.put_build_record({.key = key,
                             .kind = std::string(kImageTime),
                             .parent_key = "",
                             .chain_id = "",
                             .value = "",
                             .description = "",
                             .size = 0,
                             .created = time,
                             .used = time,
                             .uses = 1},
                            {});
  return time;
}

bool exports_inline(const Request& request) {
  return std::ranges::any_of(request.cache_exports, [](const CacheTransfer& to) { return to.type == "inline"; });
}

}  // namespace

Assembled assemble(Shared& shared, const Graph& graph, const Request& request, const std::vector<NodeResult>& results,
                   const ImportedCaches& imports) {
  const NodeResult& last = results[graph.result];
  oci::ImageConfig config = begin(graph, request);
  config.config = graph.nodes[graph.result].config;

  auto way = graph.way_to_result();
  KeyMaker key("image");
  key.add(last.top()).add(dump_json(to_json(config)));
  for (std::size_t at : way) key.add(graph.nodes[at].created_by);
  Assembled image;
  image.time_key = key.digest();
  image.time = time_of(shared, request, image.time_key, imports);
  std::int64_t time = image.time, latest = time;
  image.chain = last.chain;
  if (graph.base) image.size = graph.base->size;
  for (std::size_t at : way) {
    const Node& node = graph.nodes[at];
    const NodeResult& result = results[at];
    if (!node.in_history) continue;
    bool layer = !result.diff_id.empty();
    latest = std::max(latest, layer ? result.created : time);
    oci::History line;
    line.created = format_rfc3339({layer ? result.created : time});
    line.created_by = node.created_by;
    line.comment = kComment;
    line.empty_layer = !layer;
    config.history.push_back(std::move(line));
    if (!layer) continue;
    config.rootfs.diff_ids.push_back(result.diff_id);
    image.size += result.size;
  }
  config.created = format_rfc3339({latest});
  Json json = to_json(config);
  if (exports_inline(request)) {
    // The steps name layers by their place in the image, which begins with those of its base.
    std::vector<std::string> layers = graph.base ? graph.base->layer_chain_ids : std::vector<std::string>{};
    PortableCache cache = portable_cache(graph, results, false, layers);
    PortableStep made;
    made.key = image.time_key;
    made.kind = kImageTime;
    made.created = image.time;
    cache.steps.push_back(std::move(made));
    json[kInlineCacheField] = to_json(cache);
  }
  image.config = dump_json(json);
  image.id = archive::sha256_digest(image.config);
  return image;
}

}  // namespace hull::build
