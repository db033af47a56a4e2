// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "image/transfer.h"
#include "oci/image_config.h"
#include "store/database.h"
#include "store/snapshots.h"

namespace hull::image {

// An image, as a value: an immutable snapshot of the store.
struct Image {
  std::string id;  // "sha256:…", digest of the config
  oci::ImageConfig config;
  std::vector<std::string> tags;                // familiar, sorted: "debian:12"
  std::vector<std::string> repository_digests;  // "debian@sha256:…"
  std::vector<std::string> layer_chain_ids;     // bottom first
  std::int64_t size = 0;                        // bytes of all layers
  Timestamp created;                            // of the config; `stored` of this store
  Timestamp stored;
  std::string manifest_digest;
  std::string parent;  // id of the image that it was committed on, which may be gone; "" : not committed here
};
using ImagePtr = std::shared_ptr<const Image>;

struct ImportOptions {
  std::string reference;             // "" : none
  std::vector<std::string> changes;  // Dockerfile instructions: CMD, ENV, …
  std::string message;
  std::string platform;  // "linux/amd64"; "" : this machine's
};

struct CommitOptions {
  std::string parent;           // id of the image that the layer lies on
  oci::ExecutionConfig config;  // of the new image
  std::string comment, author, created_by;
  std::string reference;  // "" : none
};

struct Removed {
  std::vector<std::string> untagged;  // familiar references
  std::vector<std::string> deleted;   // image ids
};

// Reads the next bytes of a stream into the buffer; 0 at its end. Throws when the stream breaks.
using Source = std::function<std::size_t(char* buffer, std::size_t size)>;

// The images of one engine. Thread-safe; readers see an immutable catalogue and never wait for a writer.
class Images {
 public:
  Images(store::Database& database, store::Snapshots& snapshots, std::string data_root);
  ~Images();

  // Id, unique id prefix (with or without "sha256:"), name, name:tag, name@digest. Throws Error{kNotFound}
  // "No such image: <as given>", Error{kInvalidArgument} for an invalid or ambiguous one.
  ImagePtr get(std::string_view name) const;
  ImagePtr find(std::string_view name) const;  // nullptr instead of kNotFound
  std::vector<ImagePtr> list() const;          // newest first

  // A tar (plain, gzip, zstd, xz, bzip2) of a root filesystem becomes an image of one layer. Returns its id.
  std::string import(const Source& tar, const ImportOptions& options);
  // One more layer (a plain tar with whiteouts) on the layers of another image. A layer without entries leaves the
  // layers as they are. Returns the id.
  std::string commit(const Source& layer, const CommitOptions& options);
  // An image whose layers are in the store already, by the text of its config; `references` (canonical) are pointed at
  // it. Nothing is written that is so already. Error{kConflict} when a layer was removed meanwhile. Returns the id.
  std::string add_built(const std::string& config, const std::vector<std::string>& layer_chain_ids, std::int64_t size,
                        const std::vector<std::string>& references);
  // docker-archive or OCI layout in a tar. Returns what was loaded, as Docker words it: "Loaded image: x:y",
  // "Loaded image ID: sha256:…". All or nothing per image. Of an index, the images for `platforms`; none: this
  // machine's.
  std::vector<std::string> load(const Source& tar, const std::vector<oci::Platform>& platforms = {});

  // From a registry. `report` is called in this thread, for the first time when the registry has the image. Errors are
  // Repository's; Error{kNotFound} in Docker's words for a missing image and for one that we may not see. What was
  // complete before an error or `stop` stays.
  void pull(const PullRequest& request, const Report& report, const std::stop_token& stop);

  // To a registry. `report` is called in this thread. What was uploaded stays there when it ends early.
  void push(const PushRequest& request, const Report& report, const std::stop_token& stop);

  // Straight to and from another engine (delivery.h).
  class Deliveries;
  Deliveries& deliveries();

  void tag(std::string_view name, std::string_view new_reference);
  // `in_use(image id)` names what uses an image, nullopt when nothing does (for Docker's
  // wording of conflicts).
  struct Use {
    std::string container_id;
    bool running = false;
  };
  Removed remove(std::string_view name, bool force, bool prune_children,
                 const std::function<std::optional<Use>(const std::string& image_id)>& in_use);

  // Makes `changes` (Dockerfile instructions) on a config: CMD ENTRYPOINT ENV EXPOSE LABEL USER VOLUME WORKDIR
  // STOPSIGNAL HEALTHCHECK ONBUILD. Error{kInvalidArgument} "X is not a valid change command".
  static void apply_changes(oci::ExecutionConfig& config, const std::vector<std::string>& changes);

  // Called with (action, image id, reference) after each change: "tag", "untag", "delete", "import", "load".
  void on_event(std::function<void(std::string_view action, const std::string& id, const std::string& name)> callback);

 private:
  struct State;
  class Puller;
  class Pusher;
  std::unique_ptr<State> state_;
};

}  // namespace hull::image
