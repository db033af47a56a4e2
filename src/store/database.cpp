// SPDX-License-Identifier: Apache-2.0
#include "store/database.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "base/file.h"
#include "base/log.h"
#include "store/recovery.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace hull::store {

namespace {

// 64 pages of 4 KiB: the whole database of a usual machine fits, and the engine stays small.
constexpr const char* kSettings =
    "PRAGMA locking_mode = EXCLUSIVE;"  // one engine per data root: the WAL's index needs no shared memory
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA cache_size = 64;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA wal_autocheckpoint = 256;"
    "PRAGMA journal_size_limit = 1048576;"
    "PRAGMA foreign_keys = ON;";
constexpr std::int64_t kHeapLimit = 1 << 20;
constexpr off_t kReserve = 1 << 20;

// Blocks behind the end of `path`, so that on a full disk containers can still be stopped and removed: it is what makes
// room. A file system that cannot, or has none left, is no reason not to start.
void reserve_room(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (file && ::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, kReserve) < 0)
    log::debug("no room is reserved for ", path, ": ", errno_text(errno));
}

class SqliteDatabase final : public Database {
 public:
  // The database's room before it is open: closing a second descriptor would drop SQLite's locks.
  SqliteDatabase(FileLock lock, const std::string& path)
      : lock_(std::move(lock)), connection_((reserve_room(path), path)) {
    sqlite3_soft_heap_limit64(kHeapLimit);
    connection_.execute(kSettings);
    migrate(connection_);
    reserve_room(path + "-wal");
  }

  void add_container(const ContainerRow& row) override {
    change(Sync::kNormal, [&] {
      query("INSERT INTO containers (id, name, spec, state) VALUES (?, ?, ?, ?)")
          .bind(row.id)
          .bind(row.name)
          .bind(row.spec)
          .bind(row.state)
          .step();
    });
  }
  void set_container_state(const std::string& id, const std::string& state, Sync sync) override {
    change(sync, [&] { query("UPDATE containers SET state = ? WHERE id = ?").bind(state).bind(id).step(); });
  }
  void set_container_spec(const std::string& id, const std::string& spec) override {
    change(Sync::kNormal, [&] { query("UPDATE containers SET spec = ? WHERE id = ?").bind(spec).bind(id).step(); });
  }
  void rename_container(const std::string& id, const std::string& name) override {
    change(Sync::kNormal, [&] { query("UPDATE containers SET name = ? WHERE id = ?").bind(name).bind(id).step(); });
  }
  void remove_container(const std::string& id) override {
    change(Sync::kNormal, [&] { query("DELETE FROM containers WHERE id = ?").bind(id).step(); });
  }
  std::vector<ContainerRow> containers() override {
    std::lock_guard guard(mutex_);
    std::vector<ContainerRow> rows;
    for (Query q = query("SELECT id, name, spec, state FROM containers ORDER BY rowid"); q.step();)
      rows.push_back({q.text(), q.text(), q.text(), q.text()});
    return rows;
  }

  void add_image(const ImageRow& image, const std::vector<LayerRow>& layers,
                 const std::vector<std::string>& references) override {
    change(Sync::kFull, [&] {
      for (const LayerRow& layer : layers) insert_layer(layer);
      insert_image(image);
      for (const std::string& name : references) point_reference(name, image.id);
    });
  }
  void remove_image(const std::string& id) override {
    change(Sync::kNormal, [&] { query("DELETE FROM images WHERE id = ?").bind(id).step(); });
  }
  std::vector<ImageRow> images() override {
    std::lock_guard guard(mutex_);
    std::vector<ImageRow> rows;
    for (Query q = query("SELECT id, config, manifest_digest, size, created, parent FROM images ORDER BY rowid");
         q.step();)
      rows.push_back(read_image(q));
    for (ImageRow& row : rows) row.layer_chain_ids = layers_of_image(row.id);
    return rows;
  }
  std::optional<ImageRow> image(const std::string& id) override {
    std::lock_guard guard(mutex_);
    Query q = query("SELECT id, config, manifest_digest, size, created, parent FROM images WHERE id = ?");
    if (!q.bind(id).step()) return std::nullopt;
    ImageRow row = read_image(q);
    row.layer_chain_ids = layers_of_image(id);
    return row;
  }
  void set_reference(const ReferenceRow& row) override {
    change(Sync::kFull, [&] { point_reference(row.name, row.image_id); });
  }
  void remove_reference(const std::string& name) override {
    change(Sync::kNormal, [&] { query("DELETE FROM image_references WHERE name = ?").bind(name).step(); });
  }
  std::vector<ReferenceRow> references() override {
    std::lock_guard guard(mutex_);
    std::vector<ReferenceRow> rows;
    for (Query q = query("SELECT name, image_id FROM image_references ORDER BY rowid"); q.step();)
      rows.push_back({q.text(), q.text()});
    return rows;
  }

  std::optional<LayerRow> layer(const std::string& chain_id) override {
    std::lock_guard guard(mutex_);
    Query q = query(
        "SELECT chain_id, diff_id, parent_chain_id, blob_digest, media_type, size FROM layers WHERE chain_id = ?");
    if (!q.bind(chain_id).step()) return std::nullopt;
    return read_layer(q);
  }
  std::vector<LayerRow> layers() override {
    std::lock_guard guard(mutex_);
    std::vector<LayerRow> rows;
    for (Query q = query("SELECT chain_id, diff_id, parent_chain_id, blob_digest, media_type, size FROM layers "
                         "ORDER BY rowid");
         q.step();)
      rows.push_back(read_layer(q));
    return rows;
  }
  std::vector<LayerRow> collect_layers() override {
    std::vector<LayerRow> rows;
    change(Sync::kNormal, [&] {
      for (Query q = query("DELETE FROM layers WHERE chain_id NOT IN (SELECT chain_id FROM image_layers) "
                           "AND chain_id NOT IN (SELECT chain_id FROM snapshot_layers) "
                           "AND chain_id NOT IN (WITH RECURSIVE built (id) AS ("
                           "SELECT chain_id FROM build_records WHERE chain_id <> '' "
                           "UNION SELECT layers.parent_chain_id FROM layers JOIN built ON layers.chain_id = built.id "
                           "WHERE layers.parent_chain_id <> '') SELECT id FROM built) "
                           "RETURNING chain_id, diff_id, parent_chain_id, blob_digest, media_type, size");
           q.step();)
        rows.push_back(read_layer(q));
      if (!rows.empty()) query("DELETE FROM origins WHERE diff_id NOT IN (SELECT diff_id FROM layers)").step();
    });
    return rows;
  }
  std::optional<LayerRow> layer_with_blob(const std::string& digest) override {
    std::lock_guard guard(mutex_);
    Query q = query(
        "SELECT chain_id, diff_id, parent_chain_id, blob_digest, media_type, size FROM layers WHERE blob_digest = ?");
    if (!q.bind(digest).step()) return std::nullopt;
    return read_layer(q);
  }
  std::vector<LayerRow> layers_with_diff(const std::string& diff_id) override {
    std::lock_guard guard(mutex_);
    std::vector<LayerRow> rows;
    for (Query q = std::move(query("SELECT chain_id, diff_id, parent_chain_id, blob_digest, media_type, size "
                                   "FROM layers WHERE diff_id = ?")
                                 .bind(diff_id));
         q.step();)
      rows.push_back(read_layer(q));
    return rows;
  }
  void add_origins(const std::vector<OriginRow>& rows) override {
    change(Sync::kNormal, [&] {
      for (const OriginRow& row : rows)
        query("INSERT OR REPLACE INTO origins (diff_id, digest, media_type, size, repository) VALUES (?, ?, ?, ?, ?)")
            .bind(row.diff_id)
            .bind(row.digest)
            .bind(row.media_type)
            .bind(row.size)
            .bind(row.repository)
            .step();
    });
  }
  std::vector<OriginRow> origins(const std::string& diff_id) override {
    std::lock_guard guard(mutex_);
    std::vector<OriginRow> rows;
    for (Query q = std::move(query("SELECT digest, media_type, size, repository FROM origins WHERE diff_id = ? "
                                   "ORDER BY rowid DESC")
                                 .bind(diff_id));
         q.step();)
      rows.push_back({diff_id, q.text(), q.text(), q.number(), q.text()});
    return rows;
  }

  void add_snapshot(const std::string& owner_id, const std::vector<std::string>& layer_chain_ids) override {
    change(Sync::kNormal, [&] {
      query("INSERT INTO snapshots (owner_id) VALUES (?)").bind(owner_id).step();
      std::int64_t position = 0;
      for (const std::string& chain_id : layer_chain_ids)
        query("INSERT INTO snapshot_layers (owner_id, position, chain_id) VALUES (?, ?, ?)")
            .bind(owner_id)
            .bind(position++)
            .bind(chain_id)
            .step();
    });
  }
  void remove_snapshot(const std::string& owner_id) override {
    change(Sync::kNormal, [&] { query("DELETE FROM snapshots WHERE owner_id = ?").bind(owner_id).step(); });
  }
  std::vector<std::string> snapshot_layers(const std::string& owner_id) override {
    std::lock_guard guard(mutex_);
    return texts(query("SELECT chain_id FROM snapshot_layers WHERE owner_id = ? ORDER BY position").bind(owner_id));
  }
  std::vector<std::string> snapshots() override {
    std::lock_guard guard(mutex_);
    Query q = query("SELECT owner_id FROM snapshots ORDER BY rowid");
    return texts(q);
  }

  void set_endpoint(const EndpointRow& row) override {
    change(Sync::kNormal, [&] {
      query(
          "INSERT INTO endpoints (container_id, network, state) VALUES (?, ?, ?) "
          "ON CONFLICT (container_id, network) DO UPDATE SET state = excluded.state")
          .bind(row.container_id)
          .bind(row.network)
          .bind(row.state)
          .step();
    });
  }
  void remove_endpoints(const std::string& container_id) override {
    change(Sync::kNormal, [&] { query("DELETE FROM endpoints WHERE container_id = ?").bind(container_id).step(); });
  }
  void remove_endpoint(const std::string& container_id, const std::string& network) override {
    change(Sync::kNormal, [&] {
      query("DELETE FROM endpoints WHERE container_id = ? AND network = ?").bind(container_id).bind(network).step();
    });
  }
  std::vector<EndpointRow> endpoints() override {
    std::lock_guard guard(mutex_);
    std::vector<EndpointRow> rows;
    for (Query q = query("SELECT container_id, network, state FROM endpoints ORDER BY rowid"); q.step();)
      rows.push_back({q.text(), q.text(), q.text()});
    return rows;
  }

  void add_network(const NetworkRow& row) override {
    change(Sync::kNormal, [&] {
      query("INSERT INTO networks (id, name, state) VALUES (?, ?, ?)")
          .bind(row.id)
          .bind(row.name)
          .bind(row.state)
          .step();
    });
  }
  void remove_network(const std::string& id) override {
    change(Sync::kNormal, [&] { query("DELETE FROM networks WHERE id = ?").bind(id).step(); });
  }
  std::vector<NetworkRow> networks() override {
    std::lock_guard guard(mutex_);
    std::vector<NetworkRow> rows;
    for (Query q = query("SELECT id, name, state FROM networks ORDER BY rowid"); q.step();)
      rows.push_back({q.text(), q.text(), q.text()});
    return rows;
  }

  void put_build_record(const BuildRecord& record, const std::vector<LayerRow>& layers) override {
    change(Sync::kNormal, [&] {
      for (const LayerRow& layer : layers) insert_layer(layer);
      query(
          "INSERT OR REPLACE INTO build_records (key, kind, parent_key, chain_id, value, description, size, created, "
          "used, uses, boot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
          .bind(record.key)
          .bind(record.kind)
          .bind(record.parent_key)
          .bind(record.chain_id)
          .bind(record.value)
          .bind(record.description)
          .bind(record.size)
          .bind(record.created)
          .bind(record.used)
          .bind(record.uses)
          .bind(boot_)
          .step();
    });
  }
  std::optional<BuildRecord> build_record(const std::string& key) override {
    std::lock_guard guard(mutex_);
    Query q = query(
        "SELECT key, kind, parent_key, chain_id, value, description, size, created, used, uses FROM build_records "
        "WHERE key = ?");
    if (!q.bind(key).step()) return std::nullopt;
    return read_build_record(q);
  }
  std::vector<BuildRecord> build_records() override {
    std::lock_guard guard(mutex_);
    std::vector<BuildRecord> rows;
    for (Query q = query("SELECT key, kind, parent_key, chain_id, value, description, size, created, used, uses "
                         "FROM build_records ORDER BY rowid");
         q.step();)
      rows.push_back(read_build_record(q));
    return rows;
  }
  void use_build_records(const std::vector<std::string>& keys, std::int64_t now) override {
    if (keys.empty()) return;
    change(Sync::kNormal, [&] {
      for (const std::string& key : keys)
        query("UPDATE build_records SET used = ?, uses = uses + 1 WHERE key = ?").bind(now).bind(key).step();
    });
  }
  void remove_build_records(const std::vector<std::string>& keys) override {
    change(Sync::kNormal, [&] {
      for (const std::string& key : keys) query("DELETE FROM build_records WHERE key = ?").bind(key).step();
    });
  }
  bool has_unsynced_build_records() override {
    std::lock_guard guard(mutex_);
    return query("SELECT 1 FROM build_records WHERE boot <> '' LIMIT 1").step();
  }
  void build_records_are_synced() override {
    change(Sync::kNormal, [&] { query("UPDATE build_records SET boot = '' WHERE boot <> ''").step(); });
  }
  // After a power cut nobody knows which files of layers that were not synced have reached the disk.
  void forget_unsynced_build_records() {
    change(Sync::kNormal,
           [&] { query("DELETE FROM build_records WHERE boot <> '' AND boot <> ?").bind(boot_).step(); });
  }

  void add_volume(const VolumeRow& row) override {
    change(Sync::kNormal, [&] {
      query("INSERT INTO volumes (name, driver, labels, options, anonymous, created) VALUES (?, ?, ?, ?, ?, ?)")
          .bind(row.name)
          .bind(row.driver)
          .bind(row.labels)
          .bind(row.options)
          .bind(std::int64_t{row.anonymous})
          .bind(row.created)
          .step();
    });
  }
  void set_volume(const std::string& name, const VolumeRow& row) override {
    change(Sync::kFull, [&] {
      query("UPDATE volumes SET name = ?, labels = ?, anonymous = ? WHERE name = ?")
          .bind(row.name)
          .bind(row.labels)
          .bind(std::int64_t{row.anonymous})
          .bind(name)
          .step();
    });
  }
  void remove_volume(const std::string& name) override {
    change(Sync::kNormal, [&] { query("DELETE FROM volumes WHERE name = ?").bind(name).step(); });
  }
  std::vector<VolumeRow> volumes() override {
    std::lock_guard guard(mutex_);
    std::vector<VolumeRow> rows;
    for (Query q = query("SELECT name, driver, labels, options, anonymous, created FROM volumes ORDER BY rowid");
         q.step();)
      rows.push_back({q.text(), q.text(), q.text(), q.text(), q.number() != 0, q.number()});
    return rows;
  }

 private:
  Query query(const char* sql) { return connection_.query(sql); }

  // One transaction around `work`.
  template <class Work>
  void change(Sync sync, Work work) {
    std::lock_guard guard(mutex_);
    if (sync != sync_) {
      connection_.execute(sync == Sync::kFull ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
      sync_ = sync;
    }
    query("BEGIN IMMEDIATE").step();
    try {
      work();
      query("COMMIT").step();
    } catch (...) {
      roll_back();
      throw;
    }
  }
  void roll_back() noexcept {
    try {
      query("ROLLBACK").step();
    } catch (const std::exception&) {
      // SQLite has rolled back by itself after some errors (a full disk); there is nothing left to undo then.
    }
  }

  static std::vector<std::string> texts(Query& q) {
    std::vector<std::string> found;
    while (q.step()) found.push_back(q.text());
    return found;
  }
  std::vector<std::string> layers_of_image(const std::string& id) {
    return texts(query("SELECT chain_id FROM image_layers WHERE image_id = ? ORDER BY position").bind(id));
  }
  static BuildRecord read_build_record(Query& q) {
    return {q.text(), q.text(), q.text(), q.text(), q.text(), q.text(), q.number(), q.number(), q.number(), q.number()};
  }
  static ImageRow read_image(Query& q) { return {q.text(), q.text(), q.text(), {}, q.number(), q.number(), q.text()}; }
  static LayerRow read_layer(Query& q) { return {q.text(), q.text(), q.text(), q.text(), q.text(), q.number()}; }
  void insert_layer(const LayerRow& row) {
    query(
        "INSERT INTO layers (chain_id, diff_id, parent_chain_id, blob_digest, media_type, size) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (chain_id) DO NOTHING")
        .bind(row.chain_id)
        .bind(row.diff_id)
        .bind(row.parent_chain_id)
        .bind(row.blob_digest)
        .bind(row.media_type)
        .bind(row.size)
        .step();
  }
  void insert_image(const ImageRow& row) {
    query(
        "INSERT INTO images (id, config, manifest_digest, size, created, parent) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET manifest_digest = excluded.manifest_digest WHERE manifest_digest = ''")
        .bind(row.id)
        .bind(row.config)
        .bind(row.manifest_digest)
        .bind(row.size)
        .bind(row.created)
        .bind(row.parent)
        .step();
    std::int64_t position = 0;
    for (const std::string& chain_id : row.layer_chain_ids)
      query("INSERT OR IGNORE INTO image_layers (image_id, position, chain_id) VALUES (?, ?, ?)")
          .bind(row.id)
          .bind(position++)
          .bind(chain_id)
          .step();
  }
  void point_reference(const std::string& name, const std::string& image_id) {
    query(
        "INSERT INTO image_references (name, image_id) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET image_id = excluded.image_id")
        .bind(name)
        .bind(image_id)
        .step();
  }

  FileLock lock_;
  std::mutex mutex_;
  Connection connection_;
  const std::string boot_ = std::string(trim(read_file("/proc/sys/kernel/random/boot_id")));
  Sync sync_ = Sync::kNormal;
};

}  // namespace

std::unique_ptr<Database> Database::open(const std::string& data_root) {
  make_directories(data_root, 0711);
  auto lock = FileLock::try_acquire(data_root + "/hull.lock");
  if (!lock) fail(Kind::kConflict, "another engine is using the data root ", data_root);
  auto database = std::make_unique<SqliteDatabase>(std::move(*lock), data_root + "/hull.db");
  database->forget_unsynced_build_records();
  recover(*database, data_root);
  return database;
}

}  // namespace hull::store
