// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "image/transfer.h"
#include "oci/image_manifest.h"
#include "registry/repository.h"
#include "store/database.h"

namespace hull::image {

// The layers of one image on their way to a registry, several at a time: what is there is left alone, what another
// repository of that registry has is mounted from there, the rest is sent as the bytes that once came, or compressed
// while it is sent.
class LayerPush {
 public:
  // `kept` (one for each layer, or none): how the image's manifest describes the layers.
  LayerPush(store::Database& database, const std::string& data_root, registry::Repository& repository,
            std::vector<store::LayerRow> layers, std::vector<oci::Descriptor> kept);

  // Until all are there. Returns what they are called there, bottom first; throws the first error.
  std::vector<oci::Descriptor> run(int at_once, const Report& report, const std::stop_token& stop);

 private:
  struct Line {
    std::string status;
    std::int64_t current = 0, total = 0;
    bool changed = false;
  };

  oci::Descriptor push(std::size_t at, const std::stop_token& stop);
  std::vector<oci::Descriptor> candidates(std::size_t at) const;
  bool mount(std::size_t at, const oci::Descriptor& blob, const std::stop_token& stop);
  oci::Descriptor upload(std::size_t at, const std::stop_token& stop);
  archive::Source counted(std::size_t at, archive::Source source);
  void say(std::size_t at, std::string status);
  void work(const std::stop_token& stop);
  void tell(const Report& report);

  store::Database& database_;
  const std::string& data_root_;
  registry::Repository& repository_;
  std::vector<store::LayerRow> layers_;
  std::vector<oci::Descriptor> kept_, pushed_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Line> lines_;
  std::size_t next_ = 0;
  int working_ = 0;
  std::exception_ptr failure_;
};

}  // namespace hull::image
