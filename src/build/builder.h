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
#include "dockerfile/source.h"
#include "image/images.h"

// Builds of images from Dockerfiles (docs/build.md). What one build found out the next one uses: the cache is in the
// store, as layers with records (store::BuildRecord).
namespace hull::build {

// Where the files come from: directories that the client has opened, or an upload.
struct Sources {
  // "" is the build context, others are --build-context names. What Request::remote and remote_contexts name is added.
  std::map<std::string, UniqueFd> directories;
  archive::Source tar;  // the build context as a tar, compressed or not; empty: none
};

struct Result {
  std::string image_id;           // "" when the outputs have no image
  std::vector<std::string> tags;  // familiar
  // Of the manifest that was pushed; "" : none was.
  std::string manifest_digest, manifest_type;
  std::int64_t manifest_size = 0;
  bool grew = false;  // the cache has more than before
};

// A RUN that ended with another code than 0.
class RunFailed : public dockerfile::SourceError {
 public:
  RunFailed(const std::string& message, dockerfile::Lines lines, int exit_code)
      : SourceError(message, lines, {lines.first, 0}, false), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

struct Usage {  // one record of the cache, as `docker builder du` shows it
  std::string id, parent, kind, description;
  bool in_use = false, shared = false;
  std::int64_t size = 0;
  Timestamp created, used;
  std::int64_t uses = 0;
};

// What to remove of the cache. Sizes are bytes; without any of them everything goes that fits.
struct PruneRequest {
  bool all = false;                            // also what images of the store are made of
  std::optional<std::int64_t> max_used_space;  // what may stay, the most recently used
  std::optional<std::int64_t> min_free_space;  // what the file system should have left
  std::optional<std::int64_t> reserved_space;  // what stays whatever the others say
  std::function<bool(const Usage&)> selected;  // filters

  bool has_sizes() const { return max_used_space || min_free_space || reserved_space; }
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
  // The same for each rule, in the background, now and then: after a build that has made the cache grow. A call while
  // one is under way, or right after one, does nothing.
  void collect_garbage(std::vector<PruneRequest> rules);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hull::build
