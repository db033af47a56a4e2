// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/source.h"
#include "build/portable_cache.h"
#include "oci/image_manifest.h"
#include "store/layers.h"

namespace hull::build {

// Where the layers of an imported cache are: a registry, a directory.
class CacheStorage {
 public:
  virtual ~CacheStorage() = default;
  virtual std::string text(const oci::Descriptor& blob, const std::stop_token& stop) = 0;  // small, and verified
  virtual void content(const oci::Descriptor& blob, const archive::Sink& sink, const std::stop_token& stop) = 0;
};

// The steps that --cache-from makes known. Nothing of their layers is fetched before a step of the build is one of
// them. Not changed while it is asked.
class ImportedCaches {
 public:
  // Reads the list of steps. Errors are those of the place; Error{kInvalidArgument} for a type that is not there. An
  // image without such a list adds nothing.
  void add(Shared& shared, const Request& request, const CacheTransfer& from, const std::stop_token& stop);

  bool empty() const { return steps_.empty(); }
  const PortableStep* find(const std::string& key) const;
  // The layer of a step, extracted in incoming/, to lie on `parent_chain_id`. Empty when it is nowhere to be had.
  std::optional<store::StagedLayer> fetch(Shared& shared, const std::string& key, const std::string& parent_chain_id,
                                          const std::stop_token& stop) const;

 private:
  struct Step {
    PortableStep step;
    std::optional<oci::Descriptor> blob;
    std::shared_ptr<CacheStorage> storage;
  };
  void add_steps(const PortableCache& cache, const std::vector<oci::Descriptor>& layers,
                 const std::shared_ptr<CacheStorage>& storage);
  void add_manifest(const std::string& manifest, const std::shared_ptr<CacheStorage>& storage,
                    const std::stop_token& stop);
  void add_inline(const std::string& config, const std::vector<oci::Descriptor>& layers,
                  const std::shared_ptr<CacheStorage>& storage);

  std::map<std::string, Step> steps_;  // by key
};

}  // namespace hull::build
