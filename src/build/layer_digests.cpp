// SPDX-License-Identifier: Apache-2.0
#include "build/layer_digests.h"

#include <algorithm>
#include <string_view>

#include "archive/sha256.h"
#include "base/file.h"

// The file is the digest of the rest, and then for each file its path, a zero byte, and its digest.
namespace hull::build {

namespace {

std::string path_in(const std::string& directory) { return directory + "/digests"; }

FileDigest digest_of(std::string_view content) {
  archive::Sha256 hash;
  hash.update(content);
  return hash.bytes();
}

std::string_view bytes_of(const FileDigest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

LayerDigests LayerDigests::of_layer(const std::string& directory) {
  LayerDigests out;
  auto text = read_if_exists(path_in(directory));
  constexpr std::size_t kSize = std::tuple_size_v<FileDigest>;
  if (!text || text->size() < kSize) return out;
  std::string_view rest(*text);
  if (bytes_of(digest_of(rest.substr(kSize))) != rest.substr(0, kSize)) return out;  // it was cut off by a power cut
  rest.remove_prefix(kSize);
  while (!rest.empty()) {
    std::size_t end = rest.find('\0');
    if (end == rest.npos || rest.size() - end - 1 < kSize) break;
    FileDigest digest;
    std::ranges::copy(rest.substr(end + 1, kSize), digest.begin());
    out.add(std::string(rest.substr(0, end)), digest);
    rest.remove_prefix(end + 1 + kSize);
  }
  return out;
}

const FileDigest* LayerDigests::find(const std::string& path) const {
  auto found = digests_.find(path);
  return found == digests_.end() ? nullptr : &found->second;
}

void LayerDigests::save(const std::string& directory) const {
  std::string text;
  for (const auto& [path, digest] : digests_) {
    text.append(path).push_back('\0');
    text.append(bytes_of(digest));
  }
  text.insert(0, bytes_of(digest_of(text)));
  write_file_atomically(path_in(directory), text, 0600, Durability::kProcessCrash);
}

}  // namespace hull::build
