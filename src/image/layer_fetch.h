// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "oci/image_manifest.h"
#include "registry/repository.h"
#include "store/database.h"
#include "store/layers.h"

// Layers on their way from a registry into the store. Whoever wants one shares it with everybody else who does: it
// comes once, goes on as long as one of them waits, and what it leaves in incoming/ goes with the last.
namespace hull::image {

enum class FetchPhase : unsigned char { kWaiting, kDownloading, kExtracting, kDone, kFailed };

struct FetchState {
  FetchPhase phase = FetchPhase::kWaiting;
  std::int64_t downloaded = 0, extracted = 0, total = 0;  // bytes of the blob
  bool local = false;                                     // the content was on this machine already
};

struct WantedLayer {
  std::string chain_id, parent_chain_id, diff_id;
  oci::Descriptor blob;
};

class LayerFetches;

class LayerFetch {
 public:
  LayerFetch(LayerFetches& all, WantedLayer wanted, std::shared_ptr<registry::Repository> repository);
  ~LayerFetch();  // takes back what was not moved to its place
  LayerFetch(const LayerFetch&) = delete;
  LayerFetch& operator=(const LayerFetch&) = delete;

  const WantedLayer& wanted() const { return wanted_; }
  FetchState state() const;
  // When the phase is kDone; throws what went wrong when it is kFailed.
  const store::StagedLayer& staged() const;

 private:
  friend class LayerFetches;
  void run(const std::stop_token& stop);
  void fetch(const std::stop_token& stop);
  bool reuse();
  void extract(const archive::Source& source);
  void set_phase(FetchPhase phase);

  LayerFetches& all_;
  WantedLayer wanted_;
  std::shared_ptr<registry::Repository> repository_;
  std::string directory_;  // layer/ and blob in incoming/
  FetchState state_;       // under the mutex of all_
  std::exception_ptr failure_;
  store::StagedLayer staged_;
  std::jthread thread_;
};

class LayerFetches {
 public:
  LayerFetches(store::Database& database, std::string data_root)
      : database_(database), data_root_(std::move(data_root)) {}

  // The fetch of this layer that is under way or done, or a new one. At most `at_once` download at the same time.
  std::shared_ptr<LayerFetch> get(const WantedLayer& wanted, std::shared_ptr<registry::Repository> repository,
                                  int at_once);
  // Waits until some fetch has changed its phase since `seen`, which becomes the present, at most a tenth of a second.
  void wait(std::uint64_t& seen);

 private:
  friend class LayerFetch;
  void acquire(const std::stop_token& stop);
  void release();

  store::Database& database_;
  std::string data_root_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t changes_ = 0;
  int running_ = 0, most_ = 3;
  std::map<std::string, std::weak_ptr<LayerFetch>> fetches_;  // by chain id
};

}  // namespace hull::image
