// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include <iterator>

#include "base/error.h"

namespace hull::store {

namespace {

// Step n leads from user_version n to n + 1. A step that was released is never changed. Tables keep their row
// ids: rows come back in the order of their creation.
constexpr const char* kSteps[] = {
    R"(
CREATE TABLE containers (id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, spec TEXT NOT NULL, state TEXT NOT NULL);
CREATE TABLE images (id TEXT NOT NULL UNIQUE, config TEXT NOT NULL, manifest_digest TEXT NOT NULL,
                     size INTEGER NOT NULL, created INTEGER NOT NULL);
CREATE TABLE image_layers (image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
                           position INTEGER NOT NULL,
                           chain_id TEXT NOT NULL REFERENCES layers (chain_id),
                           PRIMARY KEY (image_id, position)) WITHOUT ROWID;
CREATE INDEX image_layers_by_layer ON image_layers (chain_id);
CREATE TABLE image_references (name TEXT NOT NULL UNIQUE,
                               image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE);
CREATE INDEX image_references_by_image ON image_references (image_id);
CREATE TABLE layers (chain_id TEXT NOT NULL UNIQUE, diff_id TEXT NOT NULL, parent_chain_id TEXT NOT NULL,
                     blob_digest TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL);
CREATE TABLE snapshots (owner_id TEXT NOT NULL UNIQUE);
CREATE TABLE snapshot_layers (owner_id TEXT NOT NULL REFERENCES snapshots (owner_id) ON DELETE CASCADE,
                              position INTEGER NOT NULL,
                              chain_id TEXT NOT NULL REFERENCES layers (chain_id),
                              PRIMARY KEY (owner_id, position)) WITHOUT ROWID;
CREATE INDEX snapshot_layers_by_layer ON snapshot_layers (chain_id);
CREATE TABLE endpoints (container_id TEXT NOT NULL, network TEXT NOT NULL, state TEXT NOT NULL,
                        UNIQUE (container_id, network));
CREATE TABLE volumes (name TEXT NOT NULL UNIQUE, driver TEXT NOT NULL, labels TEXT NOT NULL, options TEXT NOT NULL,
                      anonymous INTEGER NOT NULL, created INTEGER NOT NULL);
)",
    R"(
CREATE TABLE networks (id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL);
)",
    R"(
CREATE TABLE origins (diff_id TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL,
                      repository TEXT NOT NULL, UNIQUE (diff_id, digest, repository));
CREATE INDEX layers_by_diff ON layers (diff_id);
CREATE INDEX layers_by_blob ON layers (blob_digest);
)",
    R"(
CREATE TABLE build_records (key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, parent_key TEXT NOT NULL,
                            chain_id TEXT NOT NULL, value TEXT NOT NULL, description TEXT NOT NULL,
                            size INTEGER NOT NULL, created INTEGER NOT NULL, used INTEGER NOT NULL,
                            uses INTEGER NOT NULL, boot TEXT NOT NULL);
CREATE INDEX build_records_by_layer ON build_records (chain_id);
)",
    R"(
ALTER TABLE images ADD COLUMN parent TEXT NOT NULL DEFAULT '';
)",
};

std::int64_t version_of(Connection& connection) {
  Query query = connection.query("PRAGMA user_version");
  query.step();
  return query.number();
}

}  // namespace

void migrate(Connection& connection) {
  std::int64_t version = version_of(connection);
  if (version > std::ssize(kSteps))
    fail(Kind::kConflict, "hull.db was written by a newer hull (its version is ", version, ", this one knows ",
         std::ssize(kSteps), ")");
  for (; version < std::ssize(kSteps); ++version) {
    std::string step = cat("BEGIN IMMEDIATE;", kSteps[version], "PRAGMA user_version = ", version + 1, "; COMMIT;");
    connection.execute(step.c_str());
  }
}

}  // namespace hull::store
