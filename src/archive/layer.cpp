// SPDX-License-Identifier: Apache-2.0
#include "archive/layer.h"

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <vector>

#include "archive/placement.h"
#include "archive/sha256.h"
#include "archive/tar_reader.h"
#include "archive/tar_split.h"
#include "archive/tar_writer.h"
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

// gzip cannot do better than 1 to 1,032, and honest layers are far from it. What becomes more than this, and much, was
// made to fill disks.
constexpr std::int64_t kMostGrowth = 1100, kHarmless = 1 << 30;

// Passes what was decompressed through, as long as it is in proportion to what came in.
Source checked_for_bombs(Source plain, std::shared_ptr<std::int64_t> packed) {
  return [plain = std::move(plain), packed = std::move(packed), total = std::int64_t{0}](char* buffer,
                                                                                         std::size_t size) mutable {
    std::size_t got = plain(buffer, size);
    total += static_cast<std::int64_t>(got);
    if (total > kHarmless && total / kMostGrowth > *packed)
      fail_invalid("the layer is a decompression bomb: ", *packed, " bytes have become more than ", total);
    return got;
  };
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
    auto packed = std::make_shared<std::int64_t>(0);
    Source counted = [&tar, packed](char* buffer, std::size_t size) {
      std::size_t got = tar(buffer, size);
      *packed += static_cast<std::int64_t>(got);
      return got;
    };
    Source stream = hashed(checked_for_bombs(decompress(std::move(counted), &layer.compression), packed), hash);
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

ExtractedLayer record_layer(int directory, const RecordOptions& options) {
  TreeOptions tree;
  tree.whiteouts = Whiteouts::kOverlay;
  tree.root = options.with_root ? "./" : "";
  tree.still = true;
  ExtractedLayer layer;
  Sha256 hash;
  TarRecorder recorder(options.recording);
  // Reading the files on one thread, hashing on another.
  pass_on(
      [&](const Sink& sink) {
        TarWriter writer(sink);
        write_tree(directory, writer, tree);
        writer.finish();
        layer.size = writer.content_bytes();
      },
      [&](std::string_view piece) {
        hash.update(piece);
        recorder.feed(piece);
      });
  recorder.finish();
  layer.diff_id = hash.digest();
  return layer;
}

}  // namespace hull::archive
