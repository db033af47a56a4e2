// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry_server/grammar.h"

namespace hull::registry_server {

// What a registry has to know of a manifest or an index. The bytes themselves are never changed.
struct ManifestDocument {
  std::string media_type;
  std::string artifact_type;  // as the referrers API shows it: of the config where the manifest has none
  std::map<std::string, std::string> annotations;
  std::optional<Digest> subject;
  std::vector<Digest> blobs;      // config and layers that have to be here, without those that are elsewhere (urls)
  std::vector<Digest> manifests;  // of an index
};

// Reads and checks `text`. `content_type` is what the client called it, without parameters; "": what the text calls
// itself, or looks like. Known are the manifests and indexes of OCI and of Docker's schema 2, and OCI's short-lived
// artifact manifest. Throws Refusal (MANIFEST_INVALID) with the reason.
ManifestDocument read_manifest(std::string_view text, std::string_view content_type);

}  // namespace hull::registry_server
