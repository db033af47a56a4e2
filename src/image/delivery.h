// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "image/images.h"
#include "store/layers.h"

// Images from one engine straight to another. The sender offers an image, the receiver says which layers it lacks and
// how much of each it has already, and gets these. What came stays for an hour, so that a delivery that broke off goes
// on where it was; an engine that ends forgets it.
namespace hull::image {

struct Offer {
  std::string config;              // its digest is the image's id
  std::string manifest;            // that it came with; "" : none
  std::string reference;           // canonical; "" : the image comes without a name
  std::vector<std::string> chain;  // ids of its layers, bottom first; not used by the receiver
};

// A layer in the form that it has on its way: the blob that is kept of it, else its tar, compressed. The same bytes
// each time.
struct OutgoingLayer {
  std::string media_type;
  Source source;
};

struct MissingLayer {
  std::string chain_id, parent_chain_id, diff_id;
  std::int64_t offset = 0;  // bytes of its form on the way that are here already
};

class Images::Deliveries {
 public:
  explicit Deliveries(State& state) : state_(state) {}
  ~Deliveries();
  Deliveries(const Deliveries&) = delete;

  // Error{kNotFound} as Images::get().
  Offer offer(std::string_view name) const;
  // From byte `offset` on. Error{kNotFound} when there is no such layer, Error{kNotImplemented} when it cannot be
  // written out (layer_content.h).
  OutgoingLayer send(const std::string& chain_id, std::int64_t offset) const;

  // The layers that are missing. When none is, the image is here when this returns.
  // Error{kInvalidArgument} for a configuration that is none.
  std::vector<MissingLayer> accept(const Offer& offer);
  // One of them, from its offset on. Error{kConflict} when somebody else is sending it, or the offset is not (any more)
  // where it goes on: ask again. Error{kInvalidArgument} for a content that is not the layer, of which nothing stays.
  void receive(const MissingLayer& layer, const std::string& media_type, const Source& source);

 private:
  using Clock = std::chrono::steady_clock;
  struct Arrival {
    std::string directory;  // in incoming/: blob, layer/
    bool busy = false, complete = false;
    store::StagedLayer staged;
    Clock::time_point used = Clock::now();
  };
  class Turn;

  void commit(const Offer& offer, const std::vector<MissingLayer>& layers);
  std::string fitting_manifest(const Offer& offer, const std::vector<store::LayerRow>& rows) const;
  void extract(Arrival& arrival, const MissingLayer& layer, const std::string& media_type, const Source& source);
  void forget_old();  // under mutex_

  State& state_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Arrival>> arrivals_;  // by chain id
};

}  // namespace hull::image
