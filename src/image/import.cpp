// SPDX-License-Identifier: Apache-2.0
#include "archive/layer.h"
#include "archive/sha256.h"
#include "base/file.h"
#include "base/rollback.h"
#include "image/state.h"
#include "oci/json.h"
#include "oci/platform.h"
#include "oci/reference.h"
#include "store/layout.h"

namespace hull::image {

namespace {

std::string import_reference(const std::string& text) {
  if (text.empty()) return {};
  auto reference = oci::Reference::parse(text);
  if (!reference.digest.empty()) fail_invalid("cannot import digest reference");
  return reference.canonical();
}

oci::ImageConfig import_config(const ImportOptions& options, const oci::Platform& platform, std::string diff_id) {
  oci::ImageConfig config;
  config.created = format_rfc3339(now());
  config.architecture = platform.architecture;
  config.os = platform.os;
  config.variant = platform.variant;
  Images::apply_changes(config.config, options.changes);
  config.rootfs.diff_ids.push_back(std::move(diff_id));
  oci::History history;
  history.created = config.created;
  if (config.config.cmd) history.created_by = join(*config.config.cmd, " ");
  history.comment = options.message.empty() ? "Imported from -" : options.message;
  config.history.push_back(std::move(history));
  return config;
}

}  // namespace

std::string Images::import(const Source& tar, const ImportOptions& options) {
  // Everything that can be refused is, before the stream is read.
  std::string reference = import_reference(options.reference);
  oci::Platform platform = oci::parse_platform(options.platform);
  if (platform.os != "linux")
    fail_invalid("import for ", oci::to_string(platform), ": operating system is not supported");
  oci::ExecutionConfig trial;
  apply_changes(trial, options.changes);

  std::string directory = store::incoming_path(state_->data_root, "import");
  Rollback rollback;
  rollback.add("incoming layer", [&] { remove_tree(directory); });
  make_directories(directory, 0710);
  archive::ExtractedLayer extracted = archive::extract_layer(tar, directory + "/diff", directory + "/tar-split");

  oci::ImageConfig config = import_config(options, platform, extracted.diff_id);
  store::ImageRow row;
  row.config = dump_json(to_json(config));
  row.id = archive::sha256_digest(row.config);
  row.layer_chain_ids = {store::Layers::chain_id("", extracted.diff_id)};
  row.size = extracted.size;
  row.created = now().nanoseconds;
  store::StagedLayer layer;
  layer.row.chain_id = row.layer_chain_ids.front();
  layer.row.diff_id = extracted.diff_id;
  layer.row.size = extracted.size;
  layer.directory = directory;
  state_->commit(row, {layer}, reference.empty() ? std::vector<std::string>{} : std::vector{reference});
  // The directory stays where it was only when the layer was here already; then it is removed.
  rollback.undo();

  std::vector<Event> events{{"import", row.id, options.reference}};
  if (!reference.empty()) events.push_back({"tag", row.id, oci::Reference::parse(reference).familiar()});
  state_->tell(events);
  return row.id;
}

}  // namespace hull::image
