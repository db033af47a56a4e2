// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

#include "store/database.h"

// A database of endpoints and networks that forgets everything with its last user; the rest of it is not asked by this
// room.
class MemoryDatabase : public hull::store::Database {
 public:
  using Rows = std::vector<hull::store::EndpointRow>;
  void set_endpoint(const hull::store::EndpointRow& row) override {
    std::lock_guard lock(mutex_);
    std::erase_if(rows_, [&](auto& old) { return old.container_id == row.container_id && old.network == row.network; });
    rows_.push_back(row);
  }
  void remove_endpoints(const std::string& id) override {
    std::lock_guard lock(mutex_);
    std::erase_if(rows_, [&](auto& row) { return row.container_id == id; });
  }
  void remove_endpoint(const std::string& id, const std::string& network) override {
    std::lock_guard lock(mutex_);
    std::erase_if(rows_, [&](auto& row) { return row.container_id == id && row.network == network; });
  }
  void add_network(const hull::store::NetworkRow& row) override {
    std::lock_guard lock(mutex_);
    networks_.push_back(row);
  }
  void remove_network(const std::string& id) override {
    std::lock_guard lock(mutex_);
    std::erase_if(networks_, [&](auto& row) { return row.id == id; });
  }
  std::vector<hull::store::NetworkRow> networks() override {
    std::lock_guard lock(mutex_);
    return networks_;
  }
  Rows endpoints() override {
    std::lock_guard lock(mutex_);
    return rows_;
  }

  void add_container(const hull::store::ContainerRow&) override {}
  void set_container_state(const std::string&, const std::string&, hull::store::Sync) override {}
  void set_container_spec(const std::string&, const std::string&) override {}
  void rename_container(const std::string&, const std::string&) override {}
  void remove_container(const std::string&) override {}
  std::vector<hull::store::ContainerRow> containers() override { return {}; }
  void add_image(const hull::store::ImageRow&, const std::vector<hull::store::LayerRow>&,
                 const std::vector<std::string>&) override {}
  void remove_image(const std::string&) override {}
  std::vector<hull::store::ImageRow> images() override { return {}; }
  std::optional<hull::store::ImageRow> image(const std::string&) override { return {}; }
  void set_reference(const hull::store::ReferenceRow&) override {}
  void remove_reference(const std::string&) override {}
  std::vector<hull::store::ReferenceRow> references() override { return {}; }
  std::optional<hull::store::LayerRow> layer(const std::string&) override { return {}; }
  std::vector<hull::store::LayerRow> layers() override { return {}; }
  std::vector<hull::store::LayerRow> collect_layers() override { return {}; }
  std::optional<hull::store::LayerRow> layer_with_blob(const std::string&) override { return {}; }
  std::vector<hull::store::LayerRow> layers_with_diff(const std::string&) override { return {}; }
  void add_origins(const std::vector<hull::store::OriginRow>&) override {}
  std::vector<hull::store::OriginRow> origins(const std::string&) override { return {}; }
  void add_snapshot(const std::string&, const std::vector<std::string>&) override {}
  void remove_snapshot(const std::string&) override {}
  std::vector<std::string> snapshot_layers(const std::string&) override { return {}; }
  std::vector<std::string> snapshots() override { return {}; }
  void put_build_record(const hull::store::BuildRecord&, const std::vector<hull::store::LayerRow>&) override {}
  std::optional<hull::store::BuildRecord> build_record(const std::string&) override { return {}; }
  std::vector<hull::store::BuildRecord> build_records() override { return {}; }
  void use_build_records(const std::vector<std::string>&, std::int64_t) override {}
  void remove_build_records(const std::vector<std::string>&) override {}
  bool has_unsynced_build_records() override { return false; }
  void build_records_are_synced() override {}
  void add_volume(const hull::store::VolumeRow&) override {}
  void set_volume(const std::string&, const hull::store::VolumeRow&) override {}
  void remove_volume(const std::string&) override {}
  std::vector<hull::store::VolumeRow> volumes() override { return {}; }

 private:
  std::mutex mutex_;
  Rows rows_;
  std::vector<hull::store::NetworkRow> networks_;
};
