// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "image/catalogue.h"
#include "image/delivery.h"
#include "image/images.h"
#include "image/layer_fetch.h"

namespace hull::image {

struct Event {
  std::string action, id, name;
};

// What the files of this room share.
struct Images::State {
  State(store::Database& db, store::Snapshots& snaps, std::string root)
      : database(db), snapshots(snaps), data_root(std::move(root)), fetches(db, data_root), deliveries(*this) {}

  store::Database& database;
  store::Snapshots& snapshots;
  std::string data_root;
  LayerFetches fetches;
  Deliveries deliveries;
  std::mutex writer;  // one change of names at a time; never held while layers are extracted
  // Guards the pointer alone, for the time of a copy. (GCC 12's atomic<shared_ptr> gives a reader's lock back with
  // relaxed order, which is a race by the standard and in ThreadSanitizer.)
  mutable std::mutex catalogue_mutex;
  std::shared_ptr<const Catalogue> catalogue;
  std::mutex callback_mutex;
  std::function<void(std::string_view, const std::string&, const std::string&)> callback;

  std::shared_ptr<const Catalogue> current() const {
    std::lock_guard guard(catalogue_mutex);
    return catalogue;
  }
  void publish() {  // under `writer`
    auto next = Catalogue::read(database);
    std::lock_guard guard(catalogue_mutex);
    catalogue.swap(next);
  }
  void tell(const std::vector<Event>& events);  // under no lock
  // Commits the image under `writer`, with references that may have belonged to others, and publishes. The reference
  // that moved away leaves its old image without a name.
  void commit(const store::ImageRow& image, const std::vector<store::StagedLayer>& layers,
              const std::vector<std::string>& references, const std::string& manifest = {});
};

}  // namespace hull::image
