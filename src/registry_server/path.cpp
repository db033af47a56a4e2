// SPDX-License-Identifier: Apache-2.0
#include "registry_server/path.h"

namespace hull::registry_server {

namespace {

// "a/b/c" and 'c'. An empty first part when there is no slash.
std::pair<std::string_view, std::string_view> split_last(std::string_view path) {
  auto slash = path.rfind('/');
  if (slash == path.npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

struct Collection {
  std::string_view word;
  Resource resource;
};
constexpr Collection kCollections[] = {
    {"manifests", Resource::kManifest},
    {"blobs", Resource::kBlob},
    {"referrers", Resource::kReferrers},
};

}  // namespace

std::optional<Target> parse_path(std::string_view path) {
  constexpr std::string_view kPrefix = "/v2/";
  if (path == "/v2") return Target{};
  if (!path.starts_with(kPrefix)) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  if (path.empty()) return Target{};
  if (path == "_catalog") return Target{Resource::kCatalog, {}, {}};

  auto [rest, last] = split_last(path);
  auto [name, word] = split_last(rest);
  if (word == "tags" && last == "list") return Target{Resource::kTags, std::string(name), {}};
  if (word == "uploads" || (word == "blobs" && last == "uploads")) {
    auto [owner, blobs] = word == "uploads" ? split_last(name) : std::pair{name, word};
    if (blobs == "blobs") {
      bool one = word == "uploads" && !last.empty();
      return Target{one ? Resource::kUpload : Resource::kUploads, std::string(owner), std::string(one ? last : "")};
    }
  }
  for (const Collection& collection : kCollections)
    if (word == collection.word) return Target{collection.resource, std::string(name), std::string(last)};
  return std::nullopt;
}

}  // namespace hull::registry_server
