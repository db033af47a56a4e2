// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "registry_server/blobs.h"
#include "registry_server/layout.h"
#include "registry_server/manifests.h"

namespace hull::registry_server {

struct CollectOptions {
  // What was pushed, mounted or asked for by somebody who pushes within this time stays, referred to or not. While an
  // upload to a repository goes on, the time is counted back from its beginning.
  std::chrono::nanoseconds grace = std::chrono::hours(24);
  std::chrono::nanoseconds upload_lifetime = std::chrono::hours(24 * 7);  // since an upload's last byte
  // Of a mirror: manifests that nobody has asked for during this time, with their tags; 0: none.
  std::chrono::nanoseconds unused = std::chrono::nanoseconds(0);
  bool untagged = false;  // manifests that no tag leads to are garbage, too
  bool dry_run = false;   // count only
};

struct Collected {
  std::uint64_t manifests = 0, blobs = 0, uploads = 0, repositories = 0;
  std::uint64_t bytes = 0;  // given back to the disk
};

// Removes what nothing refers to, while the registry goes on: in each repository the blobs that no manifest of it
// names. Manifests are read without a lock; the repository is locked only to look at those that came meanwhile, and to
// remove.
class Collector {
 public:
  Collector(const Layout& layout, const Blobs& blobs, const Manifests& manifests)
      : layout_(layout), blobs_(blobs), manifests_(manifests) {}

  // Throws Error{kConflict} when another process collects at this moment, errno for what the disk refuses.
  Collected run(const CollectOptions& options) const;

 private:
  struct Node {  // what a manifest refers to
    std::vector<Digest> blobs, manifests;
    std::optional<Digest> subject;
  };
  using Graph = std::map<Digest, Node>;

  void scan(const std::string& name, Graph& graph) const;
  std::int64_t cutoff(const std::string& name, const CollectOptions& options) const;
  void remove_unused(const std::string& name, Graph& graph, std::int64_t before, bool dry_run, Collected& result) const;
  void remove_untagged(const std::string& name, Graph& graph, std::int64_t before, bool dry_run,
                       Collected& result) const;
  void remove_blobs(const std::string& name, const Graph& graph, std::int64_t before, bool dry_run,
                    Collected& result) const;
  void remove_uploads(const std::string& name, const CollectOptions& options, Collected& result) const;
  void remove_leftovers(const std::string& name) const;
  bool remove_if_empty(const std::string& name) const;
  void collect(const std::string& name, const CollectOptions& options, Collected& result) const;
  void sweep_shared(const CollectOptions& options, Collected& result) const;

  const Layout& layout_;
  const Blobs& blobs_;
  const Manifests& manifests_;
};

}  // namespace hull::registry_server
