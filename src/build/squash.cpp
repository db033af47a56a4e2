// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include "archive/confined.h"
#include "archive/layer.h"
#include "archive/placement.h"
#include "archive/sha256.h"
#include "archive/tar_reader.h"
#include "base/file.h"
#include "base/rollback.h"
#include "build/builder_state.h"
#include "build/cache.h"
#include "build/executor_steps.h"
#include "image/layer_content.h"
#include "oci/json.h"
#include "store/layout.h"

// --squash: the layers of a build, laid one over the other, become one. What a later one deletes stays a whiteout: it
// may be in the base.
namespace hull::build {

namespace {

struct Squashed {
  std::string diff_id, chain_id;
  std::int64_t size = 0, created = 0;
};

// What layers before this one have put where its whiteout says that nothing is any more.
void delete_hidden(int root, std::string_view entry_name) {
  constexpr std::string_view kWhiteout = ".wh.", kOpaque = ".wh..wh..opq";
  std::string path = archive::clean_entry_name(entry_name);
  auto slash = path.rfind('/');
  std::string parent = slash == path.npos ? "." : path.substr(0, slash);
  std::string name = slash == path.npos ? path : path.substr(slash + 1);
  if (!name.starts_with(kWhiteout) || name == ".wh." || name == ".wh.." || name == ".wh...") return;
  UniqueFd directory = archive::open_confined(root, parent, O_RDONLY | O_DIRECTORY);
  if (!directory) return;
  std::string place = cat("/proc/self/fd/", directory.get());
  if (name == kOpaque)
    for (const std::string& inside : list_directory(place)) remove_tree(cat(place, "/", inside));
  else
    remove_tree(cat(place, "/", name.substr(kWhiteout.size())));
}

Squashed merge(Shared& shared, const std::vector<std::string>& chain, std::size_t base) {
  store::Database& database = shared.services().database;
  KeyMaker maker("squash");
  for (const std::string& one : chain) maker.add(one);
  std::string key = maker.add(cat(base)).digest();
  if (auto known = database.build_record(key); known && database.layer(known->chain_id))
    return {known->value, known->chain_id, known->size, known->created};

  store::StagedLayer staged;
  staged.directory = store::incoming_path(shared.data_root, "squash");
  Rollback undo;
  undo.add("incoming layer", [&] { remove_tree(staged.directory); });
  make_directories(staged.directory, 0710);
  std::string diff = staged.directory + "/diff";
  make_directories(diff, 0755);
  UniqueFd root = open_file(diff, O_RDONLY | O_DIRECTORY);
  for (std::size_t i = base; i < chain.size(); ++i) {
    auto row = database.layer(chain[i]);
    if (!row) fail(Kind::kConflict, "layer ", chain[i], " was removed meanwhile");
    // To a placement all is one layer, in which a whiteout does not speak of what is there.
    {
      image::LayerContent content = image::layer_tar(shared.data_root, *row);
      archive::TarReader reader(content.source);
      while (const archive::Entry* entry = reader.next()) delete_hidden(root.get(), entry->name);
    }
    image::LayerContent content = image::layer_tar(shared.data_root, *row);
    archive::TarReader reader(content.source);
    archive::Placement placement(root.get(), archive::Whiteouts::kOverlay);
    while (const archive::Entry* entry = reader.next()) placement.place(*entry, reader);
    placement.finish();
  }
  archive::RecordOptions options;
  options.recording = staged.directory + "/tar-split";
  std::string parent = base == 0 ? "" : chain[base - 1];
  options.with_root =
      root_has_changed(diff, parent.empty() ? "" : store::layer_path(shared.data_root, parent) + "/diff");
  archive::ExtractedLayer layer = archive::record_layer(root.get(), options);

  staged.row.diff_id = layer.diff_id;
  staged.row.parent_chain_id = parent;
  staged.row.chain_id = store::Layers::chain_id(parent, layer.diff_id);
  staged.row.size = layer.size;
  std::int64_t time = now().nanoseconds;
  shared.services().snapshots.layers().commit_step({.key = key,
                                                    .kind = std::string(kRegular),
                                                    .parent_key = "",
                                                    .chain_id = staged.row.chain_id,
                                                    .value = layer.diff_id,
                                                    .description = "squashed layers",
                                                    .size = layer.size,
                                                    .created = time,
                                                    .used = time,
                                                    .uses = 1},
                                                   &staged);
  return {layer.diff_id, staged.row.chain_id, layer.size, time};
}

}  // namespace

Assembled squash(Shared& shared, const Graph& graph, const Assembled& image) {
  std::size_t base = graph.base ? graph.base->layer_chain_ids.size() : 0;
  if (image.chain.size() < base + 2) return image;  // there is nothing to put together
  Squashed layer = merge(shared, image.chain, base);
  auto config = from_json<oci::ImageConfig>(parse_json(image.config));
  config.rootfs.diff_ids.resize(base);
  config.rootfs.diff_ids.push_back(layer.diff_id);
  std::size_t kept = graph.base ? graph.base->config.history.size() : 0;
  for (std::size_t i = kept; i < config.history.size(); ++i) config.history[i].empty_layer = true;
  oci::History line;
  line.created = config.created;
  line.comment = cat("merge ", image.id, " to ", graph.base ? graph.base->id : "");
  config.history.push_back(std::move(line));

  Assembled out;
  out.chain.assign(image.chain.begin(), image.chain.begin() + static_cast<long>(base));
  out.chain.push_back(layer.chain_id);
  out.size = (graph.base ? graph.base->size : 0) + layer.size;
  out.config = dump_json(to_json(config));
  out.id = archive::sha256_digest(out.config);
  out.time = image.time;
  return out;
}

}  // namespace hull::build
