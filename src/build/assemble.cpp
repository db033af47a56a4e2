// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "archive/sha256.h"
#include "build/builder_state.h"
#include "build/cache.h"
#include "oci/json.h"

// The image's configuration. A build that finds everything in the cache gives the same image as the build before it, to
// the byte: all its times are recorded.
namespace hull::build {

namespace {

constexpr std::string_view kComment = "buildkit.dockerfile.v0";

// From the image that it begins with to the result.
std::vector<std::size_t> way_to(const Graph& graph, std::size_t result) {
  std::vector<std::size_t> way;
  for (std::size_t at = result; at != kNone; at = graph.nodes[at].parent) way.push_back(at);
  std::ranges::reverse(way);
  return way;
}

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
std::int64_t time_of(Shared& shared, const Request& request, const std::string& key) {
  if (request.source_date_epoch) return *request.source_date_epoch * 1'000'000'000;
  store::Database& database = shared.services().database;
  if (!request.no_cache)
    if (auto known = database.build_record(key)) return known->created;
  std::int64_t time = now().nanoseconds;
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

}  // namespace

Assembled assemble(Shared& shared, const Graph& graph, const Request& request, const std::vector<NodeResult>& results) {
  const NodeResult& last = results[graph.result];
  oci::ImageConfig config = begin(graph, request);
  config.config = graph.nodes[graph.result].config;

  auto way = way_to(graph, graph.result);
  KeyMaker key("image");
  key.add(last.top()).add(dump_json(to_json(config)));
  for (std::size_t at : way) key.add(graph.nodes[at].created_by);
  std::int64_t time = time_of(shared, request, key.digest()), latest = time;

  Assembled image;
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
  image.config = dump_json(to_json(config));
  image.id = archive::sha256_digest(image.config);
  return image;
}

}  // namespace hull::build
