// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "build/builder_state.h"

// Steps that leave the engine and come into another one (--cache-to, --cache-from). Keys name content, so they mean the
// same everywhere (cache.h). An exported cache is an OCI image manifest: its configuration lists the steps, its layers
// are theirs, each once. Inline, the list is a field of the image's own configuration, and the layers are the image's.
namespace hull::build {

struct PortableStep {
  std::string key, kind, parent, description;
  std::string diff_id;  // of the layer that it adds; "" : none
  std::int64_t size = 0, created = 0;
  int layer = -1;  // index in the manifest's layers
};
template <class Visitor>
void fields(Visitor& visit, PortableStep& value) {
  visit("key", value.key);
  visit("kind", value.kind);
  visit("parent", value.parent, WhenEmpty::kOmit);
  visit("description", value.description, WhenEmpty::kOmit);
  visit("diffID", value.diff_id, WhenEmpty::kOmit);
  visit("size", value.size, WhenEmpty::kOmit);
  visit("created", value.created);
  visit("layer", value.layer);
}

struct PortableCache {
  int version = 1;
  std::vector<PortableStep> steps;
};
template <class Visitor>
void fields(Visitor& visit, PortableCache& value) {
  visit("version", value.version);
  visit("steps", value.steps);
}

inline constexpr std::string_view kCacheConfigType = "application/vnd.hull.buildcache.config.v1+json";
inline constexpr const char* kInlineCacheField = "hull.buildcache.v1";

// The steps of a build: all of them, or those that the result is made of. `layers` becomes the chain ids of the layers
// that PortableStep::layer counts.
PortableCache portable_cache(const Graph& graph, const std::vector<NodeResult>& results, bool all,
                             std::vector<std::string>& layers);

// Writes them to where `to` says. Errors are those of the registry, or Error{kInvalidArgument} for what cannot be done.
void export_cache(Shared& shared, const Graph& graph, const std::vector<NodeResult>& results, const Assembled& image,
                  const Request& request, const CacheTransfer& to, Observer& observer, const std::stop_token& stop);

}  // namespace hull::build
