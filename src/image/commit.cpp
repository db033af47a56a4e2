// SPDX-License-Identifier: Apache-2.0
#include "archive/layer.h"
#include "archive/sha256.h"
#include "base/file.h"
#include "base/rollback.h"
#include "image/state.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "store/layout.h"

namespace hull::image {

namespace {

// Of the two blocks of zeros that a tar without entries is made of.
constexpr std::string_view kEmptyTar = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

std::string commit_reference(const std::string& text) {
  if (text.empty()) return {};
  auto reference = oci::Reference::parse(text);
  if (!reference.digest.empty()) fail_invalid("cannot commit to digest reference");
  return reference.canonical();
}

oci::ImageConfig child_of(const oci::ImageConfig& parent, const CommitOptions& options, const std::string& diff_id) {
  oci::ImageConfig config = parent;
  config.created = format_rfc3339(now());
  config.author = options.author;
  config.config = options.config;
  oci::History step;
  step.created = config.created;
  step.created_by = options.created_by;
  step.author = options.author;
  step.comment = options.comment;
  step.empty_layer = diff_id == kEmptyTar;
  if (!step.empty_layer) config.rootfs.diff_ids.push_back(diff_id);
  config.history.push_back(std::move(step));
  return config;
}

}  // namespace

std::string Images::add_built(const std::string& config, const std::vector<std::string>& layer_chain_ids,
                              std::int64_t size, const std::vector<std::string>& references) {
  store::ImageRow row;
  row.config = config;
  row.id = archive::sha256_digest(config);
  row.layer_chain_ids = layer_chain_ids;
  row.size = size;
  row.created = now().nanoseconds;
  auto catalogue = state_->current();
  bool known = catalogue->by_id.contains(row.id);
  std::vector<std::string> changed;
  std::vector<Event> events;
  if (!known) events.push_back({"create", row.id, row.id});
  for (const std::string& name : references) {
    auto old = catalogue->references.find(name);
    if (old == catalogue->references.end() || old->second != row.id) changed.push_back(name);
    events.push_back({"tag", row.id, oci::Reference::parse(name).familiar()});
  }
  if (!known || !changed.empty()) state_->commit(row, {}, changed);
  state_->tell(events);
  return row.id;
}

std::string Images::commit(const Source& layer, const CommitOptions& options) {
  std::string reference = commit_reference(options.reference);
  ImagePtr parent = get(options.parent);
  std::string directory = store::incoming_path(state_->data_root, "commit");
  Rollback rollback;
  rollback.add("incoming layer", [&] { remove_tree(directory); });
  make_directories(directory, 0710);
  archive::ExtractedLayer extracted = archive::extract_layer(layer, directory + "/diff", directory + "/tar-split");

  store::ImageRow row;
  row.config = dump_json(to_json(child_of(parent->config, options, extracted.diff_id)));
  row.id = archive::sha256_digest(row.config);
  row.layer_chain_ids = parent->layer_chain_ids;
  row.size = parent->size;
  row.parent = parent->id;
  row.created = now().nanoseconds;
  std::vector<store::StagedLayer> staged;
  if (extracted.diff_id != kEmptyTar) {
    std::string below = row.layer_chain_ids.empty() ? "" : row.layer_chain_ids.back();
    row.layer_chain_ids.push_back(store::Layers::chain_id(below, extracted.diff_id));
    row.size += extracted.size;
    store::StagedLayer& top = staged.emplace_back();
    top.row.chain_id = row.layer_chain_ids.back();
    top.row.parent_chain_id = below;
    top.row.diff_id = extracted.diff_id;
    top.row.size = extracted.size;
    top.directory = directory;
  }
  state_->commit(row, staged, reference.empty() ? std::vector<std::string>{} : std::vector{reference});
  rollback.undo();  // what was not moved to its place
  if (!reference.empty()) state_->tell({{"tag", row.id, oci::Reference::parse(reference).familiar()}});
  return row.id;
}

}  // namespace hull::image
