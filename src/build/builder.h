// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/source.h"
#include "build/progress.h"
#include "build/request.h"
#include "container/engine.h"
#include "image/images.h"

// Builds of images from Dockerfiles (docs/build.md). What one build found out the next one uses: the cache is in the
// store, as layers with records (store::BuildRecord).
namespace hull::build {

// Where the files come from: directories that the client has opened, or an upload.
struct Sources {
  std::map<std::string, UniqueFd> directories;  // "" is the build context, others are --build-context names
  archive::Source tar;                          // the build context as a tar, compressed or not; empty: none
};

struct Result {
  std::string image_id;           // "" when the outputs have no image
  std::vector<std::string> tags;  // familiar
};

struct Usage {  // one record of the cache, as `docker builder du` shows it
  std::string id, parent, kind, description;
  bool in_use = false, shared = false;
  std::int64_t size = 0;
  Timestamp created, used;
  std::int64_t uses = 0;
};

// What to remove of the cache.
struct PruneRequest {
  bool all = false;                            // also what images of the store are made of
  std::optional<std::int64_t> keep_storage;    // bytes that may stay: least recently used first
  std::function<bool(const Usage&)> selected;  // filters
};
struct Pruned {
  std::vector<std::string> ids;
  std::int64_t space_reclaimed = 0;
};

class Builder {
 public:
  explicit Builder(container::Engine& engine);
  ~Builder();

  // Runs to the end. Errors: dockerfile::SourceError for the Dockerfile and its steps, Error{kInvalidArgument} for what
  // cannot be built, kCancelled after `stop` or cancel(). Nothing but the cache is left of a build that failed.
  Result build(Request request, Sources sources, Observer& observer, std::stop_token stop);
  bool cancel(const std::string& id);  // false when no such build is under way

  std::vector<Usage> usage();
  Pruned prune(const PruneRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hull::build
