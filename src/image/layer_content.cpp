// SPDX-License-Identifier: Apache-2.0
#include "image/layer_content.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "archive/decompress.h"
#include "archive/tar_split.h"
#include "base/file.h"
#include "store/layout.h"

namespace hull::image {

LayerContent layer_tar(const std::string& data_root, const store::LayerRow& layer) {
  std::string directory = store::layer_path(data_root, layer.chain_id);
  LayerContent tar;
  tar.files = open_file(directory + "/diff", O_RDONLY | O_DIRECTORY);
  if (auto replayed = archive::replayed_tar(directory + "/tar-split", tar.files.get())) {
    tar.size = replayed->size;
    tar.source = std::move(replayed->source);
    return tar;
  }
  if (layer.blob_digest.empty())
    fail(Kind::kNotImplemented, "layer ", layer.diff_id,
         " cannot be written out: its archive named a path twice, and cannot be put together from the files");
  std::string blob = store::blob_path(data_root, layer.blob_digest);
  UniqueFd counted = open_file(blob, O_RDONLY);
  archive::Source plain = archive::decompress(archive::file_source(counted.get()));
  std::string buffer(256 * 1024, '\0');
  while (std::size_t got = plain(buffer.data(), buffer.size())) tar.size += static_cast<std::int64_t>(got);
  tar.blob = open_file(blob, O_RDONLY);
  tar.source = archive::decompress(archive::file_source(tar.blob.get()));
  return tar;
}

std::optional<LayerContent> layer_blob(const std::string& data_root, const store::LayerRow& layer) {
  if (layer.blob_digest.empty()) return std::nullopt;
  auto file = open_if_exists(store::blob_path(data_root, layer.blob_digest), O_RDONLY);
  if (!file) return std::nullopt;
  struct stat info {};
  check(::fstat(file->get(), &info), "stat", layer.blob_digest);
  LayerContent content;
  content.blob = std::move(*file);
  content.size = info.st_size;
  content.source = archive::file_source(content.blob.get());
  return content;
}

}  // namespace hull::image
