// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry_server/blobs.h"
#include "registry_server/layout.h"
#include "registry_server/manifest_document.h"

namespace hull::registry_server {

struct StoredManifest {
  Digest digest;
  std::string media_type;
  std::string text;        // "" when only the head was asked for
  std::uint64_t size = 0;  // of the text
};

// What an index of referrers says about one of them.
struct Referrer {
  Digest digest;
  std::uint64_t size = 0;
  ManifestDocument document;
};

// Manifests, tags and referrers of all repositories. Any thread, any process. All throw errno for what the disk
// refuses.
class Manifests {
 public:
  Manifests(const Layout& layout, const Blobs& blobs) : layout_(layout), blobs_(blobs) {}

  // `reference`: what a tag points to, or a digest. Empty when there is none.
  std::optional<Digest> resolve(const std::string& name, const std::string& tag) const;
  std::optional<StoredManifest> read(const std::string& name, const Digest& digest, bool with_text) const;
  // See Blobs::claim().
  bool claim(const std::string& name, const Digest& digest) const;

  // Stores `text` and lets `tags` point to it. `complete`: what it refers to has to be in the repository; throws
  // Refusal (MANIFEST_BLOB_UNKNOWN) with all that is not.
  void put(const std::string& name, const Digest& digest, std::string_view text, const ManifestDocument& document,
           const std::vector<std::string>& tags, bool complete = true) const;

  void set_tag(const std::string& name, const std::string& tag, const Digest& digest) const;

  // False when there is no such thing. With a manifest go the tags that point to it.
  bool remove(const std::string& name, const Digest& digest) const;
  bool remove_tag(const std::string& name, const std::string& tag) const;
  // For the collector, which holds the lock.
  void unlink(const std::string& name, const Digest& digest, const std::optional<Digest>& subject) const;

  bool repository_exists(const std::string& name) const;
  std::vector<std::string> tags(const std::string& name) const;  // in the order of bytes
  std::vector<Digest> list(const std::string& name) const { return digests_in(layout_.manifests(name)); }
  // In the order of digests.
  std::vector<Referrer> referrers(const std::string& name, const Digest& subject) const;
  // All repositories, in the order of bytes; with `begun` also those that have unfinished uploads and nothing else.
  std::vector<std::string> repositories(bool begun = false) const;

 private:
  void write_tag(const std::string& name, const std::string& tag, const Digest& digest) const;
  void check_complete(const std::string& name, const ManifestDocument& document) const;

  const Layout& layout_;
  const Blobs& blobs_;
};

}  // namespace hull::registry_server
