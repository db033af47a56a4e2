// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

// hull.db: what exists. SQLite in WAL mode; content (blobs, layers, writable directories) lies beside it in
// files, and what no row names does not exist.
//
//   <data-root>/
//     hull.lock                      one engine per data root
//     hull.db
//     blobs/sha256/<hex>             content by digest: configs, manifests, compressed layers
//     layers/<chain id hex>/diff/    one extracted layer; beside it init/, what containers find over it
//     snapshots/<owner id>/{upper,work}
//     containers/<id>/               hosts, hostname, resolv.conf, <id>-json.log
//     volumes/<name>/_data/         content; beside it, while it is filled from an image: filling
//     incoming/trash/                put out of sight, deleted in the background
//     incoming/                      half-done work; emptied by every start
//     seccomp/<digest>               compiled programs
namespace hull::store {

// kFull: survives a power cut (the user was told "done"); kNormal: survives every crash but that.
enum class Sync : unsigned char { kNormal, kFull };

struct ContainerRow {
  std::string id, name;
  std::string spec;   // JSON: container::Spec
  std::string state;  // JSON: container::Persistent
};

struct ImageRow {
  std::string id;      // digest of the image config
  std::string config;  // JSON of the image config as stored
  std::string manifest_digest;
  std::vector<std::string> layer_chain_ids;  // bottom first
  std::int64_t size = 0;                     // bytes of the extracted layers
  std::int64_t created = 0;                  // nanoseconds, when it came into this store
  std::string parent{};                      // id of the image that this one was committed on; "" : none
};

struct ReferenceRow {
  std::string name;  // canonical: docker.io/library/debian:12
  std::string image_id;
};

struct LayerRow {
  std::string chain_id, diff_id, parent_chain_id;
  std::string blob_digest, media_type;  // empty: no compressed blob is kept
  std::int64_t size = 0;                // bytes of the extracted files
};

// A form in which a layer is known to a registry.
struct OriginRow {
  std::string diff_id, digest, media_type;
  std::int64_t size = 0;   // bytes of the blob
  std::string repository;  // canonical name: docker.io/library/debian
};

struct EndpointRow {
  std::string container_id, network;
  std::string state;  // JSON: network::Endpoint
};

struct NetworkRow {
  std::string id, name;
  std::string state;  // JSON: network::Network
};

struct VolumeRow {
  std::string name, driver, labels, options;  // labels, options: JSON objects
  bool anonymous = false;
  std::int64_t created = 0;
};

// What a build found out and may use again (build/cache.h).
struct BuildRecord {
  std::string key;         // "sha256:…" of what it depends on
  std::string kind;        // Docker's words: "regular", "exec.cachemount", "source.local", …; "image", "content"
  std::string parent_key;  // of the step before
  std::string chain_id;    // the layers that it ends with, which it keeps alive; "" for a record without layer
  std::string value;       // what else it found out; up to its kind
  std::string description;
  std::int64_t size = 0;
  std::int64_t created = 0, used = 0;  // nanoseconds
  std::int64_t uses = 0;
};

// All methods are thread-safe; each is one transaction. SQL appears in this room and nowhere else. Rows come
// back in the order of their creation. Errors of SQLite are Error{kInternal}, a full disk Error{kUnavailable}.
class Database {
 public:
  // Locks the data root (Error{kConflict} when another engine has it), opens or makes hull.db, migrates it.
  static std::unique_ptr<Database> open(const std::string& data_root);
  virtual ~Database() = default;

  // Error{kConflict} when the name or the id is taken; nothing is changed then.
  virtual void add_container(const ContainerRow& row) = 0;
  virtual void set_container_state(const std::string& id, const std::string& state, Sync sync = Sync::kNormal) = 0;
  virtual void set_container_spec(const std::string& id, const std::string& spec) = 0;
  virtual void rename_container(const std::string& id, const std::string& name) = 0;  // kConflict when taken
  virtual void remove_container(const std::string& id) = 0;                           // idempotent
  virtual std::vector<ContainerRow> containers() = 0;

  // Adds the image and the layers that are new, and points `references` at it: one transaction.
  virtual void add_image(const ImageRow& image, const std::vector<LayerRow>& layers,
                         const std::vector<std::string>& references) = 0;
  virtual void remove_image(const std::string& id) = 0;  // with its references; layers by garbage collection
  virtual std::vector<ImageRow> images() = 0;
  virtual std::optional<ImageRow> image(const std::string& id) = 0;
  virtual void set_reference(const ReferenceRow& row) = 0;  // moves an existing one
  virtual void remove_reference(const std::string& name) = 0;
  virtual std::vector<ReferenceRow> references() = 0;
  virtual std::optional<LayerRow> layer(const std::string& chain_id) = 0;
  virtual std::vector<LayerRow> layers() = 0;
  virtual std::optional<LayerRow> layer_with_blob(const std::string& digest) = 0;
  virtual std::vector<LayerRow> layers_with_diff(const std::string& diff_id) = 0;
  // Where layers came from and went to: kept as long as a layer with this content is. Newest first.
  virtual void add_origins(const std::vector<OriginRow>& rows) = 0;
  virtual std::vector<OriginRow> origins(const std::string& diff_id) = 0;
  // Removes the rows of layers that no image and no snapshot of a container uses, and gives them back: the
  // caller then removes their files.
  virtual std::vector<LayerRow> collect_layers() = 0;

  // What keeps layers alive beside images: the writable layer of a container (or build step).
  virtual void add_snapshot(const std::string& owner_id, const std::vector<std::string>& layer_chain_ids) = 0;
  virtual void remove_snapshot(const std::string& owner_id) = 0;  // idempotent
  virtual std::vector<std::string> snapshot_layers(const std::string& owner_id) = 0;
  virtual std::vector<std::string> snapshots() = 0;

  virtual void set_endpoint(const EndpointRow& row) = 0;
  virtual void remove_endpoints(const std::string& container_id) = 0;                             // idempotent
  virtual void remove_endpoint(const std::string& container_id, const std::string& network) = 0;  // idempotent
  virtual std::vector<EndpointRow> endpoints() = 0;

  virtual void add_network(const NetworkRow& row) = 0;     // kConflict when the name or the id is taken
  virtual void remove_network(const std::string& id) = 0;  // idempotent
  virtual std::vector<NetworkRow> networks() = 0;

  // Puts the record in place of one with the same key, with `layers` that are new, in one transaction. They do not
  // have to survive a power cut: records whose layers were not synced since are dropped when the machine starts again.
  virtual void put_build_record(const BuildRecord& record, const std::vector<LayerRow>& layers) = 0;
  virtual std::optional<BuildRecord> build_record(const std::string& key) = 0;
  virtual std::vector<BuildRecord> build_records() = 0;
  virtual void use_build_records(const std::vector<std::string>& keys, std::int64_t now) = 0;
  virtual void remove_build_records(const std::vector<std::string>& keys) = 0;  // their layers by garbage collection
  virtual bool has_unsynced_build_records() = 0;
  virtual void build_records_are_synced() = 0;  // all files of the data root are on the disk

  virtual void add_volume(const VolumeRow& row) = 0;  // kConflict when the name is taken
  // Name and labels of a volume; kConflict when the new name is taken.
  virtual void set_volume(const std::string& name, const VolumeRow& row) = 0;
  virtual void remove_volume(const std::string& name) = 0;
  virtual std::vector<VolumeRow> volumes() = 0;
};

}  // namespace hull::store
