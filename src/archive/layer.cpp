// SPDX-License-Identifier: Apache-2.0
#include "archive/layer.h"

#include <sys/stat.h>

#include <optional>

#include "archive/placement.h"
#include "archive/sha256.h"
#include "archive/tar_reader.h"
#include "archive/tar_split.h"
#include "base/error.h"
#include "base/file.h"

namespace hull::archive {

namespace {

std::int64_t place_all(const Source& plain, int root) {
  TarReader reader(plain);
  Placement placement(root, Whiteouts::kOverlay);
  while (const Entry* entry = reader.next()) placement.place(*entry, reader);
  placement.finish();
  return placement.bytes();
}

}  // namespace

ExtractedLayer extract_layer(const Source& tar, const std::string& directory, const std::string& recording) {
  make_directories(directory);
  check(::chmod(directory.c_str(), 0755), "chmod", directory);
  UniqueFd root = open_file(directory, O_RDONLY | O_DIRECTORY);
  ExtractedLayer layer;
  Sha256 hash;
  try {
    std::optional<TarRecorder> recorder;
    if (!recording.empty()) recorder.emplace(recording);
    Source stream = hashed(decompress(tar, &layer.compression), hash);
    Source plain = read_ahead(recorder ? recorded(std::move(stream), *recorder) : std::move(stream));
    layer.size = place_all(plain, root.get());
    // The digest is that of the whole stream, with the padding after the last entry.
    drain(plain);
    if (recorder) recorder->finish();
  } catch (const Error& e) {
    if (e.code() == ENOSPC || e.code() == EDQUOT) throw Error(Kind::kUnavailable, e.message(), e.code(), e.operation());
    throw;
  }
  layer.diff_id = hash.digest();
  return layer;
}

}  // namespace hull::archive
