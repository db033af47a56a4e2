// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hull::registry_server {

enum class Resource : unsigned char {
  kRoot,       // /v2/
  kCatalog,    // /v2/_catalog
  kTags,       // /v2/<name>/tags/list
  kManifest,   // /v2/<name>/manifests/<reference>
  kBlob,       // /v2/<name>/blobs/<digest>
  kUploads,    // /v2/<name>/blobs/uploads/
  kUpload,     // /v2/<name>/blobs/uploads/<id>
  kReferrers,  // /v2/<name>/referrers/<digest>
};

struct Target {
  Resource resource = Resource::kRoot;
  std::string name, reference;  // as they were sent: neither is checked
};

// What a (decoded) path of the API means. Names may contain the words of the API ("a/blobs/b"): the last ones count.
// Empty for a path that is none of these.
std::optional<Target> parse_path(std::string_view path);

}  // namespace hull::registry_server
